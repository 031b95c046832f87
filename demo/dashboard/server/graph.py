"""The system as it is now: nodes with their versions, edges with what goes over them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from runtime.api import WorkloadStatus
from telemetry.edges import EdgeCounters

from dashboard.server.declared import Route
from dashboard.server.effects import GAUGES, INGRESS, Effect
from dashboard.server.patch import rounded
from dashboard.server.rates import LATENCY_WINDOW, LONG_WINDOW, Growth, percentile

USERS = "users"
QUIET = 0.05  # requests per second below which nothing is said to happen


class Pair(NamedTuple):
    source: str
    target: str
    version: str  # of the target
    mirrored: bool


@dataclass(slots=True)
class Traffic:
    """What one pair does now."""

    rate: float = 0.0
    failed: float = 0.0
    buckets: dict[float, float] = field(default_factory=dict)


@dataclass(slots=True)
class Graph:
    """Keeps the samples between which it counts."""

    _calls: Growth[tuple[Pair, str | float]] = field(default_factory=Growth)
    _effects: Growth[Effect] = field(default_factory=Growth)

    def look(
        self,
        at: float,
        workloads: Sequence[WorkloadStatus],
        calls: Sequence[EdgeCounters],
        effects: Mapping[Effect, float],
        routes: Sequence[Route],
    ) -> dict[str, Any]:
        """Nodes, edges and routes by key."""
        running = {w.name for w in workloads}
        seen = [c for c in calls if c.destination in running and _name(c.source) in {*running, INGRESS}]
        traffic = self._traffic(at, seen)
        self._effects.add(at, dict(effects))
        doing = {
            effect: rate for effect, rate in self._effects.per_second().items() if effect[2] not in GAUGES
        }
        doing |= {effect: value for effect, value in effects.items() if effect[2] in GAUGES}
        return (
            _nodes(workloads, traffic, doing)
            | _edges(seen, traffic, doing, {route.target for route in routes if route.mirror})
            | {
                f"edge/{USERS}>{INGRESS}": _users(traffic, doing),
                "routes": [asdict(route) for route in routes],
            }
        )

    def _traffic(self, at: float, calls: Iterable[EdgeCounters]) -> dict[Pair, Traffic]:
        self._calls.add(at, dict(_count_calls(calls)))
        traffic: defaultdict[Pair, Traffic] = defaultdict(Traffic)
        for (pair, what), rate in self._calls.per_second().items():
            if what == "requests":
                traffic[pair].rate = rate
            elif what == "failed":
                traffic[pair].failed = rate
        for window in (LATENCY_WINDOW, LONG_WINDOW):
            grown = self._calls.in_window(window)
            for (pair, what), count in grown.items():
                if isinstance(what, float) and (count or what not in traffic[pair].buckets):
                    traffic[pair].buckets[what] = count
            if any(count for (_, what), count in grown.items() if isinstance(what, float)):
                break
        return traffic


def _count_calls(calls: Iterable[EdgeCounters]) -> Iterator[tuple[tuple[Pair, str | float], float]]:
    counted: defaultdict[tuple[Pair, str | float], float] = defaultdict(float)
    for call in calls:
        pair = Pair(_name(call.source), call.destination, call.destination_version, call.mirrored)
        counted[pair, "requests"] += call.requests
        counted[pair, "failed"] += call.errors
        for bound, count in call.buckets.items():
            counted[pair, float(bound)] += count
    yield from counted.items()


def _nodes(
    workloads: Iterable[WorkloadStatus], traffic: Mapping[Pair, Traffic], doing: Mapping[Effect, float]
) -> dict[str, Any]:
    """A workload's versions stand beside each other with the share that each of them gets."""
    found: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for w in workloads:
        blank = {"version": w.version, "replicas": 0, "ready": 0, "restarts": 0}
        version = found[w.name].setdefault(w.version, blank)
        version["replicas"] += 1
        version["ready"] += w.ready
        version["restarts"] += w.restarts
    shown = {}
    for name, versions in found.items():
        got = {
            version: sum(
                t.rate
                for p, t in traffic.items()
                if (p.target, p.version) == (name, version) and not p.mirrored
            )
            for version in versions
        }
        total = sum(got.values())
        for number, entry in versions.items():
            entry["rate"] = rounded(got[number])
            entry["share"] = round(100 * got[number] / total) if total > QUIET else 0
        shown[f"node/{name}"] = {
            "name": name,
            "versions": [versions[version] for version in sorted(versions)],
            "rate": rounded(total),
            "mesh": _mesh(doing, name, ""),
        }
    return shown


def _edges(
    calls: Iterable[EdgeCounters],
    traffic: Mapping[Pair, Traffic],
    doing: Mapping[Effect, float],
    mirrors: set[str],
) -> dict[str, Any]:
    """A mirror is shown as long as it is declared or copies come."""
    encrypted: dict[tuple[str, str, bool], bool] = {}
    for call in calls:
        ends = _name(call.source), call.destination, call.mirrored
        encrypted[ends] = encrypted.get(ends, True) and call.mtls
    shown = {}
    for (source, target, mirrored), mtls in encrypted.items():
        between = {
            p.version: t
            for p, t in traffic.items()
            if (p.source, p.target, p.mirrored) == (source, target, mirrored)
        }
        figures = _figures(between.values())
        if mirrored and target not in mirrors and figures["rate"] <= QUIET:
            continue
        shown[f"edge/{source}>{target}{'~' if mirrored else ''}"] = {
            "source": source,
            "target": target,
            "mtls": mtls,
            "mirror": mirrored,
            "versions": {version: rounded(t.rate) for version, t in between.items() if t.rate > QUIET},
            "mesh": {} if mirrored else _mesh(doing, source, target),
            **figures,
        }
    return shown


def _users(traffic: Mapping[Pair, Traffic], doing: Mapping[Effect, float]) -> dict[str, Any]:
    """What comes in at the gateway, also what it answers itself."""
    let_in = [t for p, t in traffic.items() if p.source == INGRESS and not p.mirrored]
    return {
        **_figures(let_in),
        "source": USERS,
        "target": INGRESS,
        "rate": rounded(doing.get((INGRESS, "", "requests"), 0)),
        "failed": rounded(doing.get((INGRESS, "", "failed"), 0)),
        "mtls": False,
        "mirror": False,
        "versions": {},
        "mesh": _mesh(doing, INGRESS, ""),
    }


def _figures(several: Iterable[Traffic]) -> dict[str, Any]:
    several = list(several)
    buckets = [t.buckets for t in several]
    return {
        "rate": rounded(sum(t.rate for t in several)),
        "failed": rounded(sum(t.failed for t in several)),
        "p50": percentile(buckets, 0.5),
        "p95": percentile(buckets, 0.95),
    }


def _mesh(doing: Mapping[Effect, float], workload: str, callee: str) -> dict[str, float]:
    """What the mesh does to requests there, where it does anything."""
    return {
        what: rounded(value)
        for (at, to, what), value in doing.items()
        if (at, to) == (workload, callee) and value > 0 and what not in ("requests", "failed")
    }


def _name(source: str) -> str:
    """The ingress gateway is called differently in each installation."""
    return INGRESS if "ingress" in source else source
