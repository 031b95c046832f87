"""The eight fallacies of distributed computing: each shown hurting, and cured, with a number."""

from scenes.engine.scene import Scene
from scenes.groups.fallacies import bandwidth, cost, latency, mixed, reliable, trust
from scenes.groups.security.mtls import STRICT

SCENES = (
    Scene(
        name="fallacy-reliable",
        group="fallacies",
        title="1. The network is reliable",
        says="Whatever crosses the network can fail: repeat what is safe to repeat, queue what can wait.",
        hypothesis="30 % of the calls fail; with 3 retries less than 5 % do. While the queue is away, all orders are"
        " taken, and they are shipped when it is back.",
        act=reliable.reliable,
        manifests=(reliable.NONE, reliable.FLAKY, reliable.RETRIES),
    ),
    Scene(
        name="fallacy-latency",
        group="fallacies",
        title="2. Latency is zero",
        says="A call over the network costs a thousand times one in the process: ask for many at once, keep what you"
        " know.",
        hypothesis="At 20 ms a call, 50 titles in one call take less than a fifth of 50 calls; with a cache of one"
        " second 200 quotes cost a few calls.",
        act=latency.latency,
        manifests=(latency.SLOW,),
    ),
    Scene(
        name="fallacy-bandwidth",
        group="fallacies",
        title="3. Bandwidth is infinite",
        says="The pipe is shared: throttle at the door, and make what goes through it small.",
        hypothesis="Of 100 requests at once the edge takes 20 a second and tells the others when to come back; a page"
        " in protobuf takes fewer bytes than in JSON.",
        act=bandwidth.bandwidth,
        manifests=(bandwidth.LIMIT,),
    ),
    Scene(
        name="fallacy-secure",
        group="fallacies",
        title="4. The network is secure",
        says="Whoever is on the network listens and talks: certificates say who is who, policies who may do what.",
        hypothesis="Unprotected, a stranger and a service that has no business with them read orders; protected, none.",
        act=trust.secure,
        manifests=(STRICT, trust.ORDERS_POLICY),
    ),
    Scene(
        name="fallacy-topology",
        group="fallacies",
        title="5. Topology does not change",
        says="Instances come and go; callers know a name, and the mesh knows where it is.",
        hypothesis="Pricing moves to another address under load, nobody is told, and no request fails.",
        act=trust.topology,
    ),
    Scene(
        name="fallacy-administrator",
        group="fallacies",
        title="6. There is one administrator",
        says="Many hands change a system: what it should be is declared in one place, and compared.",
        hypothesis="Four changes made by hand are all found by `figtree diff` and put right by `--heal`.",
        act=trust.administrator,
    ),
    Scene(
        name="fallacy-cost",
        group="fallacies",
        title="7. Transport cost is zero",
        says="Serialising, encrypting and sending cost CPU and bytes: they are on somebody's bill.",
        hypothesis="The same order costs most bytes and CPU in JSON, less by gRPC, and least in a stream of many.",
        act=cost.cost,
    ),
    Scene(
        name="fallacy-homogeneous",
        group="fallacies",
        title="8. The network is homogeneous",
        says="Equal instances are not equal: a breaker, retries and a timeout together live with a mixed lot.",
        hypothesis="With one good, one slow and one broken instance calls fail or take two seconds; with all three"
        " cures both are out after a few calls, and none fails any more.",
        act=mixed.mixed,
        manifests=(reliable.NONE, *mixed.FAULTS, *mixed.TOGETHER),
    ),
)
