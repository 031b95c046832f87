"""What GitHub runs is what a developer runs, and a release says what it is made of."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
UNPINNED = """
name: unpinned
on: {push: {branches: [main]}}
permissions: {}
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v7
        with: {persist-credentials: false}
"""
FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >>"$LOG"
while [ $# -gt 0 ]; do
  [ "$1" != --metadata-file ] || echo '{"containerimage.digest": "sha256:abc"}' >"$2"
  shift
done
"""


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_only_calls_make(path: Path) -> None:
    steps = [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]]
    commands = [step["run"] for step in steps if "run" in step]
    assert [line for line in commands if not line.startswith("make ") and "$GITHUB_PATH" not in line] == []
    assert len(steps) > 0


def test_an_action_that_is_named_by_its_tag_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "unpinned.yml").write_text(UNPINNED)
    zizmor = Path(sys.executable).with_name("zizmor")
    done = subprocess.run([zizmor, "--offline", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "unpinned-uses" in done.stdout


def test_the_development_container_has_the_python_of_the_repository() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    wanted = (ROOT / ".python-version").read_text().strip()
    assert f"/python:{wanted}-" in container["image"]


def release(folder: Path, tag: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """k8s/scripts/release in a repository of its own with this tag, docker and cosign being recorded only."""
    scripts, programs, log = folder / "k8s" / "scripts", folder / "bin", folder / "log"
    scripts.mkdir(parents=True)
    programs.mkdir()
    for name in ("docker", "cosign"):
        (programs / name).write_text(FAKE)
        (programs / name).chmod(0o755)
    (scripts / "release").write_bytes((ROOT / "k8s" / "scripts" / "release").read_bytes())
    (folder / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n')
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"], ["tag", tag]):
        subprocess.run(["git", "-C", folder, *command], check=True)
    env = os.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "LOG": str(log),
        "REGISTRY": "ghcr.io/Owner",
    }
    done = subprocess.run(
        ["bash", scripts / "release"], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    return done, log.read_text().splitlines() if log.exists() else []


def test_a_release_builds_for_both_platforms_with_sbom_and_provenance_and_signs_each_digest(
    tmp_path: Path,
) -> None:
    done, commands = release(tmp_path, "v0.1.0")
    assert done.returncode == 0, done.stderr
    builds = [command for command in commands if command.startswith("docker ")]
    assert len(builds) == 4
    for wanted in ("linux/amd64,linux/arm64", "--sbom=true", "--provenance=mode=max", "--push", ":v0.1.0 "):
        assert all(wanted in command for command in builds)
    names = ("services", "currency-go", "monolith", "loadtests")
    assert commands[1::2] == [f"cosign sign --yes ghcr.io/owner/figtree/{name}@sha256:abc" for name in names]


def test_a_release_whose_tag_is_not_the_version_builds_nothing(tmp_path: Path) -> None:
    done, commands = release(tmp_path, "v0.2.0")
    assert done.returncode == 1
    assert "has the version 0.1.0" in done.stderr
    assert commands == []
