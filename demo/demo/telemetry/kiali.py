"""Kiali's graph, from Istio's standard metrics as Kiali asks for them (kiali/kiali graph/telemetry/istio)."""

from dataclasses import dataclass

from demo.telemetry.prometheus import Prometheus

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


async def graph(prometheus: Prometheus, seconds: int = 60, namespace: str = "") -> set[GraphEdge]:
    """The edges of the versioned app graph of the last seconds, from anywhere to that namespace, or to any."""
    answers = "response_code,grpc_response_status,response_flags"
    traffic = await prometheus.query(_summed(seconds, namespace, answers))
    identities = "source_principal,destination_principal,connection_security_policy"
    badges = await prometheus.query(_summed(seconds, namespace, identities))
    plain = {_key(m) for m in (b["metric"] for b in badges) if m.get("connection_security_policy") != SECURE}
    edges = set()
    for series in traffic:
        labels = series["metric"]
        missing = [name for name in GROUPED_BY.split(",") if name not in labels]
        if missing:
            raise ValueError(f"Kiali would leave out {labels}: it has no {', '.join(missing)}")
        ends = _key(labels)
        edges.add(GraphEdge(*ends, protocol=labels["request_protocol"], mtls=ends not in plain))
    return edges


def _key(labels: dict[str, str]) -> tuple[str, str, str, str]:
    first, second, third, fourth = (labels.get(name, "") for name in NODES)
    return first, second, third, fourth


def _summed(seconds: int, namespace: str, more: str) -> str:
    chosen = "reporter='source'" + (f",destination_service_namespace='{namespace}'" if namespace else "")
    return f"sum(rate(istio_requests_total{{{chosen}}}[{seconds}s])) by ({GROUPED_BY},{more}) > 0"
