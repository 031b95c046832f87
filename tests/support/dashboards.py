"""What the dashboards ask Prometheus."""

import json
import time
from collections.abc import Iterable

from runtime.manifests import ROOT
from telemetry.prometheus import Prometheus

DASHBOARDS = ROOT / "k8s" / "addons" / "grafana" / "dashboards"


def queries() -> Iterable[tuple[str, str, str]]:
    """Dashboard, panel and query of all."""
    for path in sorted(DASHBOARDS.glob("*.json")):
        content = json.loads(path.read_text())
        chosen = {v["name"]: v["current"]["value"] for v in content["templating"]["list"] if "current" in v}
        for panel in content["panels"]:
            for target in panel["targets"]:
                expression = target["expr"]
                for name, value in chosen.items():
                    expression = expression.replace(f"${name}", value)
                yield path.stem, panel["title"], expression


async def points(prometheus: Prometheus, query: str, begun: float, step: float) -> int:
    """How many figures a panel has had since then."""
    found = await prometheus.query_range(query, begun, time.time(), step)
    values = [value for series in found for _, value in series["values"]]
    return sum(1 for value in values if value not in ("NaN", "+Inf", "-Inf"))
