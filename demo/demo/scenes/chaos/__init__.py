"""What happens when something breaks, on purpose and watched."""

from demo.scenes.chaos import faults, kills, outages
from demo.scenes.scene import Scene

SCENES = (
    Scene(
        name="chaos-delay",
        group="chaos",
        title="Delay: 10 s for 50 %",
        says="A slow neighbour is worse than a dead one; the mesh makes one for you to try, without a line of code.",
        hypothesis="Half of the requests take 10 s longer, the other half notice nothing, and none fails.",
        act=faults.delay,
        manifests=(faults.DELAY,),
    ),
    Scene(
        name="chaos-abort",
        group="chaos",
        title="Abort: 500 for 50 %",
        says="Will the callers cope when a service fails? The mesh can say 500 in its place.",
        hypothesis="Half of the requests get 500 from the proxy, and exactly the others reach the gateway.",
        act=faults.abort,
        manifests=(faults.ABORT,),
    ),
    Scene(
        name="chaos-grpc-abort",
        group="chaos",
        title="gRPC abort: UNAVAILABLE for 50 %",
        says="The same for gRPC, in its own status codes.",
        hypothesis="Half of the calls end with UNAVAILABLE; these users get 503 and are told to come again.",
        act=faults.grpc_abort,
        manifests=(faults.UNAVAILABLE,),
    ),
    Scene(
        name="chaos-one-user",
        group="chaos",
        title="Faults for one user only",
        says="Chaos in production needs a small blast radius: one test user is enough.",
        hypothesis="Three hops down, all calls for one user fail, and none for anybody else.",
        act=faults.one_user,
        manifests=(faults.ONE_USER,),
    ),
    Scene(
        name="killed-replica",
        group="chaos",
        title="A killed replica",
        says="Processes die. With two of them, calls go to the other one while the first is started again.",
        hypothesis="At most the requests under way fail, then none, and soon there are two replicas again.",
        act=kills.replica,
    ),
    Scene(
        name="killed-sidecar",
        group="chaos",
        title="A killed sidecar",
        says="A sidecar is one more process that can die; it is no more precious than the one beside it.",
        hypothesis="At most the requests under way fail, then none, and soon the replica is back behind a new sidecar.",
        act=kills.sidecar,
    ),
    Scene(
        name="killed-istiod",
        group="chaos",
        title="A killed istiod",
        says="The control plane is not on the path of any request: without it the proxies go on as they were told.",
        hypothesis="While istiod is away no request fails, and nothing can be changed; when it is back, changes work.",
        act=kills.istiod,
        manifests=(kills.CHANGE,),
    ),
    Scene(
        name="stopped-database",
        group="chaos",
        title="A database killed, and started again",
        says="When its database is away, a service must say so at once, and come back by itself.",
        hypothesis="Meanwhile orders are refused properly; then they are accepted again, and none is lost or doubled.",
        act=outages.database,
    ),
    Scene(
        name="stopped-queue",
        group="chaos",
        title="A queue stopped, and started again",
        says="An outbox parts accepting an order from telling others of it: the queue may be away.",
        hypothesis="Orders are accepted all the while; their events arrive later, in order, and once in effect.",
        act=outages.queue,
    ),
)
