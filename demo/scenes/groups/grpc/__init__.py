"""All four shapes of gRPC calls under the mesh's rules, and streams that outlive a process."""

from scenes.engine.scene import Scene
from scenes.groups.grpc import canary, drain, proxyless, resume

SCENES = (
    Scene(
        name="grpc-canary",
        group="grpc",
        title="Four call shapes under a canary",
        says="A mesh balances calls, not connections; a stream is one call and stays where it began.",
        hypothesis="Over one connection each shape's calls are split between two versions, and all are complete.",
        act=canary.split,
        manifests=canary.CANARY,
    ),
    Scene(
        name="grpc-fault",
        group="grpc",
        title="Four call shapes under a fault",
        says="A fault speaks gRPC: the client is told a status it knows, and no stream is left hanging.",
        hypothesis="About half of each shape's calls end with UNAVAILABLE before they begin, the others are complete.",
        act=canary.aborted,
        manifests=canary.ABORTS,
    ),
    Scene(
        name="grpc-drain",
        group="grpc",
        title="Four call shapes while their callees are replaced",
        says="A process that leaves is taken out of sight first, and then ends what it has begun.",
        hypothesis="While title, pricing and order are replaced, every call of every shape is complete.",
        act=drain.rolling,
    ),
    Scene(
        name="grpc-resume",
        group="grpc",
        title="A long stream survives a rolling update",
        says="No drain waits for ever: a client that remembers what came last goes on where it was cut.",
        hypothesis="A watched order's stream is cut by the update, resumed, and misses and repeats no event.",
        act=resume.resume,
        needs="",
    ),
    Scene(
        name="grpc-proxyless",
        group="grpc",
        title="Proxyless gRPC: the same canary without a sidecar",
        says="gRPC speaks the mesh's own language: istiod can steer the client library itself.",
        hypothesis="A client without a sidecar, with a certificate of the mesh, sends a quarter of its calls to v2.",
        act=proxyless.proxyless,
        manifests=(proxyless.MUTUAL, proxyless.CANARY),
    ),
)
