"""What kustomize makes of the folders under k8s/."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from runtime.manifests import ROOT

from manifests.tools import program

K8S = ROOT / "k8s"
Object = dict[str, Any]
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def folders() -> list[Path]:
    """All that can be applied: a step, a step on some cluster, a canary, the add-ons, the load."""
    patterns = ("steps/*", "overlays/*/*", "canary/*", "addons/*", "load", "scenes/*", "scenes/rules/*")
    found = (path for pattern in patterns for path in K8S.glob(f"{pattern}/kustomization.yaml"))
    return sorted(path.parent for path in found)


@cache
def text(folder: Path) -> str:
    command = [str(program("kustomize")), "build", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:  # a warning, such as that of a deprecated field, is a finding
        raise ValueError(f"{folder.relative_to(ROOT)}: {done.stderr.strip()}")
    return done.stdout


@cache
def objects(folder: Path) -> tuple[Object, ...]:
    return tuple(item for item in yaml.load_all(text(folder), Loader=LOADER) if item)


def istio_files() -> list[Path]:
    return sorted((ROOT / "istio").rglob("*.yaml"))


def read(path: Path) -> tuple[Object, ...]:
    return tuple(item for item in yaml.load_all(path.read_text(), Loader=LOADER) if item)


def name_of(item: Object) -> str:
    metadata = item["metadata"]
    group = item["apiVersion"].rpartition("/")[0]
    return f"{item['kind']}.{group}/{metadata.get('namespace', 'figtree')}/{metadata['name']}"
