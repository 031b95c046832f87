"""Declared against real: what the repository says must be in force, and what is."""

import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from runtime.api import Runtime

from strangler.declared import Declared, declared, read
from strangler.state import State

VERSION = "v1"
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
OUR_HOSTS = ".figtree.svc.cluster.local"
DURATION = re.compile(f"(?:{PART.pattern})+")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between the running system and what is declared, and what heals it."""

    subject: str  # kind/namespace/name, or Workload/name/version
    what: str
    remedy: tuple[str, ...]  # what heals it: apply FILE, delete, scale N, start N, stop

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}"


async def drifts(runtime: Runtime) -> list[Drift]:
    """Everything in which the running system differs from what is declared for the shape that it has."""
    wanted = await declared(State(runtime))
    objects = await runtime.mesh.in_force()
    running = Counter(
        (w.name, w.version) for w in await runtime.workloads.statuses() if w.state != "stopping"
    )
    found = [*_objects(wanted, objects), *_workloads(wanted, running)]
    if "kubernetes" in runtime.capabilities:
        found = [drift for drift in found if drift.subject not in wanted.optional]
    return found


async def heal(runtime: Runtime, found: list[Drift]) -> None:
    """Apply the remedy of each drift."""
    files = list(dict.fromkeys(Path(d.remedy[1]) for d in found if d.remedy[0] == "apply"))
    if foreign := [d.subject for d in found if d.remedy[0] == "delete"]:
        await _delete(runtime, foreign)
    if files:
        await runtime.mesh.apply(files)
    for drift in found:
        _, name, version = drift.subject.split("/")
        match drift.remedy:
            case ("stop",):
                await runtime.workloads.stop(name, version=version)
            case ("start", count):
                await runtime.workloads.start(name, replicas=int(count), version=version)
            case ("scale", count):
                await runtime.workloads.scale(name, int(count), version=version)


def _objects(wanted: Declared, real: dict[str, Any]) -> Iterator[Drift]:
    for name, choice in sorted(wanted.objects.items()):
        remedy = ("apply", str(choice[0]))
        if name not in real:
            yield Drift(name, f"is not in force; declared in {_shorten(choice[0])}", remedy)
            continue
        differing = [
            _differences(plain(read(file)[name].get("spec") or {}), plain(real[name])) for file in choice
        ]
        if all(differing):
            shown = "; ".join(differing[0][:3]) + (" …" if len(differing[0]) > 3 else "")
            yield Drift(name, f"differs from {_shorten(choice[0])}: {shown}", remedy)
    for name in sorted(real.keys() - wanted.objects.keys() - wanted.passing):
        yield Drift(name, "is in force and not declared", ("delete",))


def _workloads(wanted: Declared, running: Counter[tuple[str, str]]) -> Iterator[Drift]:
    for name, count in sorted(wanted.replicas.items()):
        real = running[name, VERSION]
        if real != count:
            remedy = ("scale" if real else "start", str(count))
            yield Drift(f"Workload/{name}/{VERSION}", f"{real} replicas run, {count} declared", remedy)
    for (name, version), real in sorted(running.items()):
        expected = version == VERSION and (name in wanted.replicas or name in wanted.may_run)
        if not expected:
            yield Drift(f"Workload/{name}/{version}", f"{real} replicas run, none declared", ("stop",))


def plain(value: object) -> object:
    """Without what says nothing (empty, zero, false), durations and our hosts in one spelling: as two writers agree.

    istiod writes the host of a rule out once it has used it.
    """
    match value:
        case dict():
            kept = {key: plain(item) for key, item in value.items()}
            return {key: item for key, item in kept.items() if item not in ({}, [], "", None, 0, False)}
        case list():
            return [plain(item) for item in value]
        case str() if DURATION.fullmatch(value):
            parts = PART.findall(value)
            return f"{sum(float(number) * UNITS[unit] for number, unit in parts):g}s"
        case str():
            return value.removesuffix(OUR_HOSTS)
        case _:
            return value


def _differences(wanted: object, real: object, path: str = "spec") -> list[str]:
    if isinstance(wanted, dict) and isinstance(real, dict):
        keys = [*wanted, *(key for key in real if key not in wanted)]
        return [
            text for key in keys for text in _differences(wanted.get(key), real.get(key), f"{path}.{key}")
        ]
    if isinstance(wanted, list) and isinstance(real, list) and len(wanted) == len(real):
        pairs = enumerate(zip(wanted, real, strict=True))
        return [
            text for n, (declared, actual) in pairs for text in _differences(declared, actual, f"{path}[{n}]")
        ]
    return [] if wanted == real else [f"{path} is {_describe(real)}, declared {_describe(wanted)}"]


def _describe(value: object) -> str:
    text = (
        "nothing"
        if value is None
        else yaml.safe_dump(value, default_flow_style=True, width=1000).split("\n...")[0]
    )
    return text.strip() if len(text) < 80 else text[:77].strip() + "…"


def _shorten(path: Path) -> str:
    return "/".join(path.parts[-3:])


async def _delete(runtime: Runtime, names: list[str]) -> None:
    """A file that names them is all that deleting takes."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        items = [dict(zip(("kind", "namespace", "name"), name.split("/"), strict=True)) for name in names]
        yaml.safe_dump_all(
            [
                {
                    "apiVersion": "v1",
                    "kind": i["kind"],
                    "metadata": {"name": i["name"], "namespace": i["namespace"]},
                }
                for i in items
            ],
            file,
        )
        file.flush()
        await runtime.mesh.delete([Path(file.name)])
