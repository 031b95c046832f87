"""Requests from workload to workload, as the sidecars count them in Istio's standard metrics."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

METRIC = re.compile(
    r"^(?:envoy_)?istio_(requests_total|request_duration_milliseconds_(?:bucket|sum))\{(.*)\} (\S+)$"
)
Ends = tuple[str, str]  # workload and version
UNKNOWN = "-"
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
GRPC_ERRORS = {
    "2",
    "4",
    "8",
    "12",
    "13",
    "14",
    "15",
}  # what is the callee's or the way's fault, not the caller's


@dataclass(frozen=True, slots=True)
class EdgeCounters:
    """Cumulative, from the start of the proxies that still run; a figure that shrinks means that one has ended."""

    source: str
    source_version: str
    destination: str
    destination_version: str
    protocol: str  # http or grpc
    mtls: bool
    mirrored: bool
    requests: int = 0
    errors: int = 0  # 5xx, or a gRPC status that says as much
    milliseconds: float = 0.0  # in all
    buckets: Mapping[float, int] = field(default_factory=dict)  # at most so many milliseconds: how many

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """From JSON, whose keys are texts."""
        buckets = {float(le): int(count) for le, count in fields["buckets"].items()}
        return cls(**{**fields, "buckets": buckets})

    @property
    def key(self) -> tuple[str, str, str, str, str, bool, bool]:
        return (
            self.source,
            self.source_version,
            self.destination,
            self.destination_version,
            self.protocol,
            self.mtls,
            self.mirrored,
        )

    def __add__(self, other: "EdgeCounters") -> "EdgeCounters":
        les = self.buckets.keys() | other.buckets.keys()
        return replace(
            self,
            requests=self.requests + other.requests,
            errors=self.errors + other.errors,
            milliseconds=self.milliseconds + other.milliseconds,
            buckets={le: self.buckets.get(le, 0) + other.buckets.get(le, 0) for le in sorted(les)},
        )


def read(text: str, own: Ends = (UNKNOWN, UNKNOWN)) -> list[EdgeCounters]:
    """From one sidecar's statistics, in Prometheus' format; `own` is who it stands beside, where it does not know."""
    found = []
    for line in text.splitlines():
        if match := METRIC.match(line):
            metric, labels, value = match[1], dict(LABEL.findall(match[2])), float(match[3])
            if edge := _edge(labels, own):
                found.append(_count(edge, metric, labels, value))
    return summed([found])


def summed(groups: Iterable[Iterable[EdgeCounters]]) -> list[EdgeCounters]:
    total: dict[Any, EdgeCounters] = {}
    for edge in (edge for group in groups for edge in group):
        total[edge.key] = total[edge.key] + edge if edge.key in total else edge
    return list(total.values())


def _edge(labels: Mapping[str, str], own: Ends) -> EdgeCounters | None:
    """A call that reached nobody has no edge; one that is no mirror's is counted at its source."""
    mirrored = labels.get("mirrored") == "true"
    if (labels["reporter"] == "destination") != mirrored:
        return None
    peer = labels.get("peer", "").split(";")
    if len(peer) != 5:
        return None
    near = "destination" if mirrored else "source"
    here = (
        _unless_unknown(labels[f"{near}_canonical_service"], own[0]),
        _unless_unknown(labels[f"{near}_canonical_revision"], own[1]),
    )
    there = _unless_unknown(peer[2], peer[0]), peer[3]
    mtls = labels.get("source_principal", "").startswith("spiffe://")
    ends = (*there, *here) if mirrored else (*here, *there)
    return EdgeCounters(*ends, labels["request_protocol"], mtls, mirrored)


def _unless_unknown(known: str, otherwise: str) -> str:
    return otherwise if known == UNKNOWN else known


def _count(edge: EdgeCounters, metric: str, labels: Mapping[str, str], value: float) -> EdgeCounters:
    if metric == "requests_total":
        failed = labels["response_code"][0] in "05" or labels.get("grpc_response_status") in GRPC_ERRORS
        return replace(edge, requests=int(value), errors=int(value) if failed else 0)
    if metric.endswith("_sum"):
        return replace(edge, milliseconds=value)
    le = float(labels["le"])
    return edge if le == float("inf") else replace(edge, buckets={le: int(value)})
