"""The names under which Envoy counts."""


def calls_to(service: str, subset: str = "") -> str:
    """The counter of a caller's sidecar for its gRPC calls to the service, or to a subset of it."""
    return f"outbound|50051|{subset}|{service}.figtree.svc.cluster.local;.upstream_rq_total"
