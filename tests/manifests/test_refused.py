"""The checks find what is wrong: each file of `refused` is, and a cluster says so, too (k8s/scripts/prove)."""

import subprocess
from pathlib import Path

import pytest
from manifests import analysis, render, schemas
from manifests.tools import program
from runtime.manifests import ROOT

REFUSED = sorted((Path(__file__).parent / "refused").glob("*.yaml"))
BY_PRIVILEGE = "pod-privileged.yaml"  # Pod Security refuses it, and only where there is a cluster


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_a_wrong_manifest_is_found(path: Path) -> None:
    (item,) = render.read(path)
    wrong = list(schemas.checker()(item))
    command = [str(program("istioctl")), "validate", "-f", str(path)]
    validated = subprocess.run(command, capture_output=True, text=True, check=False)
    assert bool(wrong or validated.returncode) == (path.name != BY_PRIVILEGE)


def test_every_file_of_istio_is_in_exactly_one_analysed_state() -> None:
    analysed = [name for names, _ in analysis.states() for name in names]
    assert sorted(analysed) == [path.relative_to(ROOT).as_posix() for path in render.istio_files()]
