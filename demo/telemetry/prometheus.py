"""A Prometheus beside the local runtime: the rules and the relabelling of k8s/addons, the targets of the supervisor.

A cluster has its own, with the same rules; its runtime asks that one.
"""

import asyncio
import contextlib
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypedDict

import httpx
import yaml

ADDON = Path(__file__).resolve().parents[2] / "k8s" / "addons" / "prometheus"
START_LIMIT = 20.0
KEEP_EXEMPLARS = "--enable-feature=exemplar-storage"
USED = (  # of all that Envoy says, what a rule or a panel reads
    "(envoy_)?istio_request.*|envoy_cluster_(upstream_(rq|cx)_.*|circuit_breakers_.*|outlier_detection_.*|membership_.*|ssl_.*"
    "|grpc_.*|client_ssl.*)|envoy_http_.*(fault|rbac|local_rate_limit|jwt|rq_xx|rq_total|rq_active).*|envoy_server_.*"
    "|envoy_http_local_rate_limit.*"
)


def configuration(collector: str, every: float = 5.0) -> dict[str, Any]:
    """`collector` is the supervisor's address for telemetry."""
    address = collector.removeprefix("http://")

    def job(name: str, targets: str, **others: Any) -> dict[str, Any]:
        found = [{"url": f"{collector}/targets/{targets}", "refresh_interval": "5s"}]
        return {"job_name": name, "http_sd_configs": found, **others}

    relabelling = yaml.safe_load((ADDON / "relabelling.yaml").read_text())
    used = {"source_labels": ["__name__"], "regex": USED, "action": "keep"}
    interval = f"{int(every * 1000)}ms"
    return {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "evaluation_interval": interval,
        },
        "rule_files": [str(path) for path in sorted((ADDON / "rules").glob("*.yaml"))],
        "scrape_configs": [
            job(
                "envoy-stats",
                "envoy",
                metrics_path="/stats/prometheus",
                params={"usedonly": [""]},
                metric_relabel_configs=[used, *relabelling],
            ),
            job("istiod", "istiod"),
            job("edge", "edge"),
            {"job_name": "figtree", "static_configs": [{"targets": [address]}]},
        ],
    }


class Series(TypedDict, total=False):
    """One series of a result: `value` of an instant query, `values` of a range; each a time and a number as text."""

    metric: dict[str, str]
    value: tuple[float, str]
    values: list[tuple[float, str]]


class PrometheusFailure(Exception):
    """Prometheus is missing, does not answer, or refuses a query; the text is for the user."""


class Prometheus:
    def __init__(self, url: str) -> None:
        self.url = url

    async def query(self, expression: str, **more: str) -> list[Series]:
        """The result of an instant query; raises PrometheusFailure in Prometheus' words."""
        result: list[Series] = (await self._ask("query", query=expression, **more))["result"]
        return result

    async def query_range(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        result: list[Series] = (
            await self._ask("query_range", query=expression, start=f"{start}", end=f"{end}", step=f"{step}")
        )["result"]
        return result

    async def traces(self, histogram: str, start: float, end: float) -> set[str]:
        """The ids of the traces to which the exemplars of a histogram's buckets lead, of these seconds."""
        found = await self._ask("query_exemplars", query=histogram, start=f"{start}", end=f"{end}")
        return {one["labels"]["trace_id"] for series in found for one in series["exemplars"]}

    async def _ask(self, kind: str, **parameters: str) -> Any:
        try:
            async with httpx.AsyncClient(base_url=self.url, timeout=20, trust_env=False) as client:
                content = (await client.post(f"/api/v1/{kind}", data=parameters)).json()
        except httpx.HTTPError as error:
            raise PrometheusFailure(f"Prometheus at {self.url} does not answer: {error}") from error
        if content["status"] != "success":
            raise PrometheusFailure(f"{parameters['query']}: {content['error']}")
        return content["data"]

    async def ready(self) -> bool:
        try:
            async with httpx.AsyncClient(base_url=self.url, timeout=2, trust_env=False) as client:
                return (await client.get("/-/ready")).is_success
        except httpx.TransportError:
            return False


def program(name: str, cache: Path) -> str:
    """prometheus or promtool: of this machine, or else out of Debian's package, which is then kept in `cache`."""
    folder = cache / "prometheus"
    kept = folder / "usr" / "bin" / name
    if found := shutil.which(name) or (str(kept) if kept.exists() else None):
        return found
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _do(folder, "apt-get", "download", "prometheus")
        (package,) = folder.glob("prometheus_*.deb")
        _do(folder, "dpkg-deb", "-x", package.name, ".")
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise PrometheusFailure(
            f"there is no {name} (Debian has it: apt-get install prometheus): {error}"
        ) from None
    package.unlink()
    return str(kept)


def _do(folder: Path, *words: str) -> None:
    subprocess.run(words, cwd=folder, check=True, capture_output=True)


@contextlib.asynccontextmanager
async def running(
    collector: str, folder: Path, cache: Path, *, every: float = 5.0, port: int = 0
) -> AsyncIterator[Prometheus]:
    """While the block runs, with its data in `folder` and its program from `cache`; port 0 is any free one."""
    binary = await asyncio.to_thread(program, "prometheus", cache)
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(configuration(collector, every), sort_keys=False))
    address = f"127.0.0.1:{port or _free_port()}"
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            binary,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--storage.tsdb.retention.time=1d",
            "--log.level=warn",
            KEEP_EXEMPLARS,
            stdout=log,
            stderr=log,
        )
    prometheus = Prometheus(f"http://{address}")
    try:
        deadline = asyncio.get_running_loop().time() + START_LIMIT
        while not await prometheus.ready():
            if process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                raise PrometheusFailure((folder / "prometheus.log").read_text()[-2000:])
            await asyncio.sleep(0.1)
        yield prometheus
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
