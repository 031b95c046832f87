"""The Kubernetes Gateway API: each effect by its routes, and by the VirtualService that it would replace."""

from scenes.engine.scene import Scene
from scenes.groups.gateway_api import effects
from scenes.groups.gateway_api.twins import VERSIONS, manifests
from scenes.groups.resilience.timeout import HANGS

SCENES = (
    Scene(
        name="route-weight",
        group="gateway-api",
        needs="gateway api",
        title="Gateway API: a canary by weight",
        says="The Gateway API is the standard of all meshes: a route is written once, for whichever mesh is there.",
        hypothesis="GRPCRoute, HTTPRoute and VirtualService each give v2 10 % of the quotes, apart by chance only.",
        act=effects.weight,
        manifests=(*manifests(effects.WEIGHT), *VERSIONS),
        shape="3-pricing",
    ),
    Scene(
        name="route-header",
        group="gateway-api",
        needs="gateway api",
        title="Gateway API: a canary by header",
        says="Testers see the new version in production, whichever API says who they are.",
        hypothesis="By either route and by the VirtualService just the quotes with `x-environment: staging` go to v2.",
        act=effects.header,
        manifests=(*manifests(effects.HEADER), *VERSIONS),
        shape="3-pricing",
    ),
    Scene(
        name="route-mirror",
        group="gateway-api",
        needs="gateway api",
        title="Gateway API: a mirror",
        says="A filter of the route sends the copy; nobody waits for its answer.",
        hypothesis="By either route and by the VirtualService v2 gets a copy of each quote, and users hear v1's price.",
        act=effects.mirror,
        manifests=(*manifests(effects.MIRROR), *VERSIONS),
        shape="3-pricing",
    ),
    Scene(
        name="route-timeout",
        group="gateway-api",
        needs="gateway api",
        title="Gateway API: a timeout at the edge",
        says="The same ingress gateway takes both APIs, side by side.",
        hypothesis="The callee needs 12 s; by HTTPRoute and by VirtualService each user has 504 after 10 s.",
        act=effects.timeout,
        manifests=(*manifests(effects.TIMEOUT), effects.GATEWAY, HANGS),
    ),
    Scene(
        name="route-retry",
        group="gateway-api",
        needs="gateway api",
        title="Gateway API: retries of gRPC calls, by an HTTPRoute",
        says="A GRPCRoute knows no retries; an HTTPRoute for the same Service does.",
        hypothesis="By HTTPRoute and by VirtualService a call that fails is tried four times: 99 % are answered.",
        act=effects.retry,
        manifests=(*manifests(effects.RETRY), effects.ONCE, effects.FAILS_OFTEN, effects.FAILS),
        shape="3-pricing",
    ),
)
