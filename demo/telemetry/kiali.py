"""Kiali's graph, from Istio's standard metrics as Kiali asks for them (kiali/kiali graph/telemetry/istio)."""

import re
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
# What has failed where no annotation says otherwise: kiali.io/docs/configuration/health, and no answer at all.
BY_DEFAULT = r"^[45]\d\d$|^[0-]$,0,10,http,.*;^[1-9]$|^1[0-6]$,0,10,grpc,.*"


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


async def graph(
    prometheus: Prometheus, seconds: int = 60, namespace: str = "", health: str = BY_DEFAULT
) -> dict[GraphEdge, Requests]:
    """The versioned app graph of the last seconds, from anywhere to that namespace, or to any.

    `health` is the annotation health.kiali.io/rate of what is called; what nobody answered for has none.
    """
    annotated, others = _failing(health), _failing(BY_DEFAULT)
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
        failing = others if edge.destination == "unknown" else annotated
        requests.failed += rate * _has_failed(labels, failing)
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


def _failing(health: str) -> list[tuple[re.Pattern[str], str]]:
    """Codes and their protocol, of `code,degraded,failing,protocol,direction;…`."""
    rules = (rule.split(",") for rule in health.split(";"))
    return [(re.compile(code), protocol) for code, _, _, protocol, _ in rules]


def _has_failed(labels: Mapping[str, str], failing: list[tuple[re.Pattern[str], str]]) -> bool:
    """A call of gRPC by its status; by the status of HTTP where a proxy has answered without one."""
    protocol, code = labels["request_protocol"], labels.get("grpc_response_status", "")
    if protocol != "grpc" or not code:
        protocol, code = "http", labels.get("response_code", "")
    return any(codes.search(code) for codes, of in failing if of == protocol)


def _key(labels: dict[str, str]) -> tuple[str, str, str, str]:
    first, second, third, fourth = (labels.get(name, "") for name in NODES)
    return first, second, third, fourth


def _sum_of(seconds: int, namespace: str, more: str) -> str:
    chosen = "reporter='source'" + (f",destination_service_namespace='{namespace}'" if namespace else "")
    return f"sum(rate(istio_requests_total{{{chosen}}}[{seconds}s])) by ({GROUPED_BY},{more}) > 0"
