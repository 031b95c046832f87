"""Every state of istio/ that both runtimes can take, and what the proxies are given in each."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from runtime.api import Runtime
from runtime.manifests import ROOT
from scenes.engine.run import Snapshot
from strangler.declared import read

from tests.proxies.normal import normal

ISTIO = ROOT / "istio"
FOLDERS = ("traffic", "canary", "mirror", "resilience", "chaos", "grpc", "security")
SUBSETS = tuple(sorted(ISTIO.glob("traffic/*-subsets.yaml")))  # what routes to versions refer to
PROXIES = ("ingress", "gateway", "order", "pricing", "currency", "title", "customer")

Dump = dict[str, Any]  # a proxy's name: its normal form


def states() -> list[tuple[Path, ...]]:
    """All files in as few sets as can be: in each, every object is there once, and the subsets of what it names."""
    common = {name: item for path in SUBSETS for name, item in read(path).items()}
    sets: list[tuple[list[Path], set[str]]] = []
    alone: list[tuple[Path, ...]] = []
    for path in (path for folder in FOLDERS for path in sorted((ISTIO / folder).glob("*.yaml"))):
        if path in SUBSETS:
            continue
        names = read(path).keys()
        if names & common.keys():
            alone.append((path,))
            continue
        place = next((one for one in sets if not one[1] & names), None)
        if place is None:
            sets.append(place := ([], set()))
        place[0].append(path)
        place[1].update(names)
    return [tuple(paths) for paths, _ in sets] + alone


async def dumps(runtime: Runtime) -> AsyncIterator[tuple[str, Dump]]:
    """Put each state into force, look, and put things back as they were."""
    before = await Snapshot.take(runtime)
    try:
        for number, paths in enumerate(states()):
            applied = {name for path in paths for name in read(path)}
            await runtime.mesh.apply([path for path in SUBSETS if not read(path).keys() & applied])
            await runtime.mesh.apply(paths)
            name = f"{number}: " + ", ".join(str(path.relative_to(ISTIO)) for path in paths)
            yield name, {proxy: normal(await runtime.mesh.proxy_config(proxy)) for proxy in PROXIES}
            await before.restore(runtime)
    finally:
        await before.restore(runtime)
