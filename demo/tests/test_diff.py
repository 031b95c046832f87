"""What differs from the declaration is found, told in one line, and put right."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from runtime.api import WorkloadStatus
from runtime.manifests import ROOT, workloads_of
from strangler import state as phases
from strangler.declared import Declared, declared, read
from strangler.drift import Drift, drifts, heal, plain
from strangler.modules import MODULES, SHAPES

ISTIO = ROOT / "istio"


class StandIn:
    """A runtime that has what it was given."""

    capabilities: frozenset[str] = frozenset()

    def __init__(self, objects: dict[str, Any], running: list[tuple[str, str]]) -> None:
        self.objects = objects
        self.running = running
        self.done: list[tuple[Any, ...]] = []

    @property
    def workloads(self) -> "StandIn":
        """Every part of a runtime is this one object."""
        return self

    mesh = workloads

    async def in_force(self) -> dict[str, Any]:
        return self.objects

    async def statuses(self) -> list[WorkloadStatus]:
        return [
            WorkloadStatus(name, version, number, "ready", 1, True, 0, "127.0.0.1")
            for number, (name, version) in enumerate(self.running)
        ]

    async def apply(self, paths: list[Path]) -> None:
        for path in paths:
            self.objects |= {name: item["spec"] for name, item in read(path).items()}

    async def delete(self, paths: list[Path]) -> None:
        for path in paths:
            for name in read(path):
                self.objects.pop(name, None)

    async def start(self, name: str, *, replicas: int, version: str) -> None:
        self.running += [(name, version)] * replicas

    async def scale(self, name: str, replicas: int, *, version: str) -> None:
        self.running = [w for w in self.running if w != (name, version)] + [(name, version)] * replicas

    async def stop(self, name: str, *, version: str) -> None:
        self.running = [w for w in self.running if w != (name, version)]


class Stands:
    """The strangling as it stands, without a database."""

    def __init__(self, number: int, under_way: str = "") -> None:
        self.number, self.under_way = number, under_way

    async def position(self) -> tuple[int, str]:
        return self.number, self.under_way

    async def phases(self) -> dict[str, str]:
        known = {
            m.name: phases.STRANGLED if n < self.number else phases.IN_PROCESS for n, m in enumerate(MODULES)
        }
        if self.under_way:
            known[self.under_way] = phases.SHARED
        return known | {"monolith": phases.STRANGLED if self.number == 5 else phases.IN_PROCESS}


async def as_declared(number: int) -> StandIn:
    wanted: Declared = await declared(Stands(number))  # type: ignore[arg-type]
    objects = {name: read(files[0])[name]["spec"] for name, files in wanted.objects.items()}
    return StandIn(objects, [(name, "v1") for name in workloads_of(SHAPES[number])])


@pytest.fixture
def stands(monkeypatch: pytest.MonkeyPatch) -> Stands:
    stands = Stands(5)
    monkeypatch.setattr("strangler.drift.State", lambda _: stands)
    return stands


async def found(runtime: StandIn) -> list[Drift]:
    return await drifts(runtime)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", range(6))
async def test_each_shape_as_declared_has_no_drift(stands: Stands, number: int) -> None:
    stands.number = number
    assert await found(await as_declared(number)) == []


async def test_a_step_under_way_is_no_drift(stands: Stands) -> None:
    stands.number, stands.under_way = 2, "pricing"
    runtime = await as_declared(2)
    runtime.running += [("pricing", "v1"), ("customer", "v1")]
    for state in ("mirror", "10", "50", "100"):
        await runtime.mesh.apply([ISTIO / f"traffic/edge-pricing-{state}.yaml"])
        assert await found(runtime) == []
    await runtime.mesh.apply([ISTIO / "traffic/edge-title-50.yaml"])
    assert [d.subject for d in await found(runtime)] == ["VirtualService/figtree/edge-title"]


async def test_every_kind_of_drift_is_reported_and_healed(stands: Stands) -> None:
    runtime = await as_declared(5)
    del runtime.objects["PeerAuthentication/figtree/default"]
    await runtime.mesh.apply([ISTIO / "traffic/edge-title-50.yaml", ISTIO / "traffic/pricing-subsets.yaml"])
    runtime.running.remove(("order", "v1"))
    runtime.running += [("title", "v1"), ("pricing", "v2"), ("monolith", "v1")]
    seen = await found(runtime)
    assert [str(drift) for drift in seen] == [
        "PeerAuthentication/figtree/default: is not in force; declared in istio/mesh/peer-authentication.yaml",
        "VirtualService/figtree/edge-title: differs from istio/traffic/edge-title-100.yaml: spec.http[0].route is"
        " [{destination: {host: monolith, port: {number: 8080}}, weight: 50}, {destinat…,"
        " declared [{destination: {host: gateway, port: {number: 8080}}}]",
        "DestinationRule/figtree/pricing: is in force and not declared",
        "Workload/order/v1: 0 replicas run, 1 declared",
        "Workload/title/v1: 2 replicas run, 1 declared",
        "Workload/monolith/v1: 1 replicas run, none declared",
        "Workload/pricing/v2: 1 replicas run, none declared",
    ]
    await heal(runtime, seen)  # type: ignore[arg-type]
    assert await found(runtime) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"timeout": "1000ms"}, {"timeout": "1s"}),
        ({"timeout": "1m30s"}, {"timeout": "90s"}),
        ({"weight": 0, "tls": {}, "hosts": []}, {}),
        ([{"mode": "STRICT", "port": {"number": 0}}], [{"mode": "STRICT"}]),
    ],
)
def test_two_spellings_of_one_thing_are_equal(one: Any, other: Any) -> None:
    assert plain(one) == plain(other)


def test_what_means_something_is_kept() -> None:
    assert plain({"weight": 10}) != plain({"weight": 11})
    assert plain({"host": "gateway.figtree.svc.cluster.local"}) == plain({"host": "gateway"})
    assert plain({"host": "gateway.other.svc.cluster.local"}) != plain({"host": "gateway"})
    assert plain({"exact": "10s0"}) == {"exact": "10s0"}


@pytest.mark.parametrize("path", sorted(ISTIO.rglob("*.yaml")), ids=lambda path: str(path.relative_to(ISTIO)))
def test_a_file_is_one_object_and_says_what_it_does(path: Path) -> None:
    text = path.read_text()
    comment, _, _ = text.partition("\napiVersion")
    assert comment.startswith("# ")
    assert comment.endswith(".")
    assert all(line.startswith("# ") for line in comment.splitlines())
    assert len([item for item in yaml.safe_load_all(text) if item]) == 1
