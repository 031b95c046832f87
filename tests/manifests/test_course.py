"""The resources of docs/course, the talk's and today's: Istio says of each what the page says."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from manifests.tools import program
from runtime.manifests import ROOT

PAGE = (ROOT / "docs" / "course" / "11-resilience.md").read_text()
ROWS = re.findall(r"^\| (DestinationRule|VirtualService) \| `(.+?)` \| `(.+?)` \| (\w+)", PAGE, re.MULTILINE)
KINDS = re.findall(
    r"^\| `(\w+)`[^|]* \| (\d+) \| ", (ROOT / "docs" / "course" / "07-sidecars.md").read_text(), re.MULTILINE
)


def validated(folder: Path, kind: str, spec: str) -> str:
    """What `istioctl validate` makes of it: refused, warned or accepted."""
    resource = {
        "apiVersion": "networking.istio.io/v1",
        "kind": kind,
        "metadata": {"name": "course", "namespace": "figtree"},
        "spec": yaml.safe_load(spec),
    }
    file = folder / "resource.yaml"
    file.write_text(yaml.safe_dump(resource))
    command = [str(program("istioctl")), "validate", "-f", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        return "refused"
    return "warned" if "warning" in (done.stdout + done.stderr).lower() else "accepted"


def test_the_page_compares_at_least_five_resources_and_istio_refuses_some() -> None:
    assert len(ROWS) >= 5
    assert {verdict for *_, verdict in ROWS} == {"refused", "warned", "accepted"}


@pytest.mark.parametrize(("kind", "then", "today", "verdict"), ROWS)
def test_istio_says_of_the_talks_resource_what_the_page_says_and_accepts_todays(
    kind: str, then: str, today: str, verdict: str, tmp_path: Path
) -> None:
    assert validated(tmp_path, kind, then) == verdict
    assert validated(tmp_path, kind, today) == "accepted"


def test_istio_accepts_the_rule_by_zones_that_the_page_names(tmp_path: Path) -> None:
    (rule,) = re.findall(r"^\| DestinationRule `(.+?)` \|", PAGE, re.MULTILINE)
    assert validated(tmp_path, "DestinationRule", rule) == "accepted"
    assert validated(tmp_path, "DestinationRule", rule.replace("zoneAware", "zoneaware")) == "refused"


@pytest.mark.parametrize(("kind", "count"), KINDS)
def test_the_page_counts_the_files_of_a_kind(kind: str, count: str) -> None:
    files = [
        path for path in (ROOT / "istio").rglob("*.yaml") if f"\nkind: {kind}\n" in f"\n{path.read_text()}"
    ]
    assert len(files) == int(count)


def test_the_ambient_profile_has_the_workloads_that_the_page_names() -> None:
    command = [str(program("istioctl")), "manifest", "generate", "--set", "profile=ambient"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    objects = [item for item in yaml.safe_load_all(done.stdout) if item]
    workloads = {
        f"{item['kind']} {item['metadata']['name']}"
        for item in objects
        if item["kind"] in ("DaemonSet", "Deployment")
    }
    assert workloads == {"DaemonSet istio-cni-node", "DaemonSet ztunnel", "Deployment istiod"}
