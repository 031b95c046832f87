"""What the repository says must be in force: for each shape, and while a step is under way."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from runtime.api import Object
from runtime.manifests import BASE, NAMESPACE, ROOT, standing, workloads_of

from strangler import state as phases
from strangler.module import TRAFFIC
from strangler.modules import LAST, MODULES, SHAPES
from strangler.state import State

UPSTREAM = ROOT / "istio" / "upstream-envoy"


@dataclass(frozen=True, slots=True)
class Declared:
    """What the system should consist of in its shape, by the files of the repository."""

    objects: dict[
        str, tuple[Path, ...]
    ]  # kind/namespace/name and the files that may say what it is, the first best
    passing: frozenset[str]  # objects that come and go with the next step
    replicas: dict[str, int]
    may_run: frozenset[str]  # workloads that come with the next step
    optional: frozenset[str] = frozenset()  # what only some clusters need: proxies that are upstream Envoys


def read(path: Path) -> dict[str, Object]:
    """The objects of a file by kind/namespace/name."""
    objects = {}
    for item in yaml.safe_load_all(path.read_text()):
        if item:
            place = item["metadata"].setdefault("namespace", NAMESPACE)
            objects[f"{item['kind']}/{place}/{item['metadata']['name']}"] = item
    return objects


async def declared(state: State) -> Declared:
    """What is declared for the shape that the system has now."""
    number, under_way = await state.position()
    known = await state.phases()
    files: list[tuple[Path, ...]] = [(path,) for path in standing()]
    gone = number == LAST
    files.append((TRAFFIC / f"edge-rest-{'gateway' if gone else 'monolith'}.yaml",))
    for module in MODULES:
        if known[module.name] == phases.STRANGLED:
            files.append((module.traffic(module.done),))
        elif module.name == under_way:
            files.append(tuple(sorted(TRAFFIC.glob(f"edge-{module.name}-*.yaml"))))
        else:
            files.append((module.traffic("monolith"),))
        if known[module.name] == phases.STRANGLED:
            files += [(path,) for path in module.newcomer_traffic]
    # A step is written down when its first phase is over: what the next one brings may be on its way already.
    passing: set[str] = set()
    for module in MODULES[number : number + 1]:
        passing |= {name for path in module.newcomer_traffic for name in read(path)}
    objects = {name: choice for choice in files for name in read(choice[0])}
    names = set(workloads_of(SHAPES[number]))
    coming = set() if gone else set(workloads_of(SHAPES[number + 1])) - names
    return Declared(
        objects,
        frozenset(passing),
        {name: _replicas(name) for name in names},
        frozenset(coming),
        frozenset(name for path in UPSTREAM.glob("*.yaml") for name in read(path)),
    )


def _replicas(workload: str) -> int:
    content = yaml.safe_load((BASE / workload / "deployment.yaml").read_text())
    return int(content["spec"].get("replicas", 1))
