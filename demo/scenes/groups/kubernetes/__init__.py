"""What Kubernetes itself does for the system: it needs a cluster."""

from scenes.engine.scene import Scene
from scenes.groups.kubernetes import (
    configuration,
    discovery,
    disruption,
    healing,
    locality,
    scaling,
    updating,
)

NEEDS = "kubernetes"
SCENES = (
    Scene(
        name="self-healing",
        group="kubernetes",
        title="Self-healing: a pod is deleted",
        says="Nobody restarts anything: what should run is declared, and something sees to it.",
        hypothesis="A pod is deleted without warning; at most what was under way fails, and soon there are two again.",
        act=healing.deleted,
        needs=NEEDS,
    ),
    Scene(
        name="scaling-out",
        group="kubernetes",
        title="Scaling out under load",
        says="More of the same is one number in one place, and the load finds the new ones by itself.",
        hypothesis="From one to three replicas under load no request fails, and each replica gets its share.",
        act=scaling.out,
        needs=NEEDS,
    ),
    Scene(
        name="rolling-update",
        group="kubernetes",
        title="A rolling update without a failed request",
        says="A new version comes pod by pod: each is ready before an old one leaves, and leaves before it ends.",
        hypothesis="Gateway, pricing and currency are all replaced under load, and no request fails.",
        act=updating.rolling,
        needs=NEEDS,
    ),
    Scene(
        name="immutable-configuration",
        group="kubernetes",
        title="Configuration that cannot change rolls out",
        says="A changed setting is a new ConfigMap with a new name: it rolls out, and back, like a new version.",
        hypothesis="The ConfigMap refuses a change; a new one comes pod by pod, none fails, and back is one step.",
        act=configuration.immutable,
        needs=NEEDS,
    ),
    Scene(
        name="node-drain",
        group="kubernetes",
        title="A node drain respects the disruption budget",
        says="Whoever empties a node asks for each pod, and the budget says how many may be away at once.",
        hypothesis="Of two replicas one is evicted, the second one is refused until a new one is ready; none fails.",
        act=disruption.drain,
        needs=NEEDS,
    ),
    Scene(
        name="locality",
        group="kubernetes",
        title="Zones: callers stay near",
        says="What is near answers sooner and costs less: a call leaves its zone only if it has to.",
        hypothesis="outlierDetection alone keeps all calls in their zone; without an instance there they leave it.",
        act=locality.locality,
        manifests=(locality.OUTLIERS, locality.ANYWHERE, locality.NEAR_FIRST),
        needs="two zones",
    ),
    Scene(
        name="service-discovery",
        group="kubernetes",
        title="Found by name, wherever it is",
        says="Pods come and go with their addresses; the name stays.",
        hypothesis="All pods of currency are replaced and three times as many: the name's address stays, none fails.",
        act=discovery.by_name,
        needs=NEEDS,
    ),
)
