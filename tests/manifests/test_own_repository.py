"""The guide for an own repository: its commands and its files, with this repository in the place of GitHub."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from manifests.analysis import PLATFORM, WAIVED
from manifests.render import Object
from manifests.tools import program
from runtime.manifests import ROOT

GUIDE = (ROOT / "docs" / "how-to" / "own-repository.md").read_text()
ADDRESS = "https://github.com/OWNER/figtree"
IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@example.com")


def run(folder: Path, *command: str | Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterable[str]:
    """What the guide's repository renders to."""
    folder = tmp_path_factory.mktemp("repositories")
    theirs, own = folder / "figtree", folder / "own"
    for name in ("k8s", "istio"):
        shutil.copytree(ROOT / name, theirs / name)
    for command in (["init", "-q"], ["add", "."], [*IDENTITY, "commit", "-qm", "first"], ["tag", "v0.1.0"]):
        run(theirs, "git", *command)
    guide = GUIDE.replace(ADDRESS, f"file://{theirs}")
    (script,) = re.findall(r"^```sh\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    own.mkdir()
    run(own, "bash", "-euc", script)
    for path, text in re.findall(r"^```yaml\n# (\S+)\n(.*?)^```", guide, re.MULTILINE | re.DOTALL):
        (own / path).parent.mkdir(parents=True, exist_ok=True)
        (own / path).write_text(text)
    return run(own, program("kustomize"), "build", ".")


@pytest.fixture(scope="module")
def objects(built: str) -> list[Object]:
    return list(yaml.safe_load_all(built))


def test_every_image_of_ours_and_of_the_database_comes_from_the_own_registry(objects: list[Object]) -> None:
    pods = [one["spec"]["template"]["spec"] for one in objects if "template" in one.get("spec", {})]
    images = {one["image"] for pod in pods for one in [*pod["containers"], *pod.get("initContainers", [])]}
    assert images == {
        "registry.example/you/figtree/monolith:v0.1.0",
        "registry.example/mirror/postgres:17",
    }


def test_the_namespace_is_injected_by_the_revision(objects: list[Object]) -> None:
    (namespace,) = (one for one in objects if one["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["istio.io/rev"] == "stable"
    assert "istio-injection" not in namespace["metadata"]["labels"]


def test_istios_objects_are_where_they_act(objects: list[Object]) -> None:
    places = {
        one["metadata"]["name"]: one["metadata"]["namespace"]
        for one in objects
        if "istio.io/" in one["apiVersion"]
    }
    beside_the_gateway = {name for name, place in places.items() if place == "istio-system"}
    assert beside_the_gateway == {"edge-answers", "problems"}
    assert {"Gateway", "VirtualService"} <= {
        one["kind"] for one in objects if one["metadata"]["name"] == "edge"
    }
    assert places["edge-rest"] == places["edge"] == places["default"] == "figtree"


def test_istio_finds_nothing_wrong_with_it(built: str, tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(f"{built}\n---\n{PLATFORM.read_text()}")
    command = [str(program("istioctl")), "analyze", "--use-kube=false", str(tmp_path / "all.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    found = set(re.findall(r"\[(IST\d+)\]", done.stdout + done.stderr))
    assert found - set(WAIVED) == set(), done.stdout + done.stderr
