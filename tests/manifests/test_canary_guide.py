"""The files of the guide that copies the canary: Istio finds nothing wrong with any of the states."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from manifests.tools import program
from runtime.manifests import ROOT

GUIDE = (ROOT / "docs" / "how-to" / "copy-the-canary.md").read_text()
FILES = dict(re.findall(r"^```yaml\n# (\S+)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL))
STATES = ("shop-v1.yaml", "shop-90-10.yaml", "shop-staging.yaml")
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {istio-injection: enabled}}\n"


def analysed(folder: Path, *texts: str) -> str:
    first = FILES["deployment-v2.yaml"].replace("v2", "v1")
    file = folder / "all.yaml"
    file.write_text(
        "---\n".join([NAMESPACE, FILES["service.yaml"], first, FILES["deployment-v2.yaml"], *texts])
    )
    command = [str(program("istioctl")), "analyze", "--use-kube=false", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout + done.stderr


@pytest.mark.parametrize("state", STATES)
def test_istio_finds_nothing_wrong_with_a_state(state: str, tmp_path: Path) -> None:
    assert "No validation issues found" in analysed(tmp_path, FILES["subsets.yaml"], FILES[state])


def test_a_route_without_its_subsets_is_found(tmp_path: Path) -> None:
    assert "IST0101" in analysed(tmp_path, FILES["shop-90-10.yaml"])


def test_every_state_replaces_the_other() -> None:
    names = {yaml.safe_load(FILES[state])["metadata"]["name"] for state in STATES}
    assert names == {"shop"}
    assert set(FILES) == {*STATES, "service.yaml", "deployment-v2.yaml", "subsets.yaml"}
