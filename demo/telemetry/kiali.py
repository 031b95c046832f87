"""Kiali's graph, from Istio's standard metrics as Kiali asks for them (kiali/kiali graph/telemetry/istio)."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field

from telemetry.prometheus import Prometheus

GROUPED_BY = (
    "source_cluster,source_workload_namespace,source_workload,source_canonical_service,source_canonical_revision,"
    "destination_cluster,destination_service_namespace,destination_service,destination_service_name,"
    "destination_workload_namespace,destination_workload,destination_canonical_service,"
    "destination_canonical_revision,request_protocol"
)
NODES = tuple(
    f"{end}_canonical_{what}" for end in ("source", "destination") for what in ("service", "revision")
)

SECURE = "mutual_tls"


@dataclass(frozen=True, slots=True)
class GraphEdge:
    source: str
    source_version: str
    destination: str
    destination_version: str
    protocol: str
    mtls: bool  # the padlock: all its requests were


@dataclass(slots=True)
class Requests:
    """Of an edge, each second."""

    all: float = 0.0
    failed: float = 0.0
    flags: set[str] = field(default_factory=set)  # why, in Envoy's letters


async def graph(prometheus: Prometheus, seconds: int = 60, namespace: str = "") -> dict[GraphEdge, Requests]:
    """The versioned app graph of the last seconds, from anywhere to that namespace, or to any."""
    answers = "response_code,grpc_response_status,response_flags"
    traffic = await prometheus.query(_sum_of(seconds, namespace, answers))
    identities = "source_principal,destination_principal,connection_security_policy"
    badges = await prometheus.query(_sum_of(seconds, namespace, identities))
    plain = {_key(m) for m in (b["metric"] for b in badges) if m.get("connection_security_policy") != SECURE}
    edges: dict[GraphEdge, Requests] = {}
    for series in traffic:
        labels = series["metric"]
        missing = [name for name in GROUPED_BY.split(",") if name not in labels]
        if missing:
            raise ValueError(f"Kiali would leave out {labels}: it has no {', '.join(missing)}")
        ends = _key(labels)
        edge = GraphEdge(*ends, protocol=labels["request_protocol"], mtls=ends not in plain)
        requests, rate = edges.setdefault(edge, Requests()), float(series["value"][1])
        requests.all += rate
        requests.failed += rate * _has_failed(labels)
        requests.flags |= {*labels.get("response_flags", "-").split(",")} - {"-"}
    return edges


def lines(edges: Mapping[GraphEdge, Requests]) -> list[str]:
    """One for each edge: its requests, those that failed, its share of what its source sends there."""
    drawn = []
    for edge in sorted(edges, key=astuple):
        requests = edges[edge]
        same = (edge.source, edge.source_version, edge.destination)
        beside = sum(r.all for e, r in edges.items() if (e.source, e.source_version, e.destination) == same)
        ends = f"{edge.source} {edge.source_version} -> {edge.destination} {edge.destination_version}"
        share, failed = 100 * requests.all / beside, 100 * requests.failed / requests.all
        drawn.append(
            f"{ends}  {edge.protocol}  {requests.all:.1f}/s  {share:.0f} %  {failed:.0f} % failed"
            f"  {'mTLS' if edge.mtls else 'no mTLS'}  {' '.join(sorted(requests.flags))}".rstrip()
        )
    return drawn


def _has_failed(labels: Mapping[str, str]) -> bool:
    """As Kiali judges by default: 4xx and 5xx, no answer at all, and any status of gRPC but OK."""
    code = labels.get("response_code", "")
    return code[:1] in "045-" or labels.get("grpc_response_status", "0") not in ("", "0")


def _key(labels: dict[str, str]) -> tuple[str, str, str, str]:
    first, second, third, fourth = (labels.get(name, "") for name in NODES)
    return first, second, third, fourth


def _sum_of(seconds: int, namespace: str, more: str) -> str:
    chosen = "reporter='source'" + (f",destination_service_namespace='{namespace}'" if namespace else "")
    return f"sum(rate(istio_requests_total{{{chosen}}}[{seconds}s])) by ({GROUPED_BY},{more}) > 0"
