"""Who gets which version: by weight, by header, by the state of the canary itself, by who asks."""

from scenes.engine.scene import Scene
from scenes.groups.routing import decided, header, progressive, sticky, weight
from scenes.groups.routing.quotes import ALL_TO_V1, QUOTE

__all__ = ["QUOTE", "SCENES"]

SCENES = (
    Scene(
        name="all-to-v1",
        group="routing",
        title="All traffic to v1",
        says="Deploying is not releasing: a new version can run in production before anybody is sent to it.",
        hypothesis="While pricing v2 runs beside v1, v1 gets all of 200 quotes and v2 none.",
        act=weight.all_to_v1,
        manifests=(ALL_TO_V1,),
        shape="3-pricing",
    ),
    Scene(
        name="canary-weight",
        group="routing",
        title="Canary by weight, 90/10",
        says="A new version gets a small share of the traffic first; the mesh splits by weight, not by replicas.",
        hypothesis="With one replica each, 10 % of the quotes reach pricing v2, and none of them fails.",
        act=weight.weight,
        manifests=("canary/pricing-90-10.yaml",),
        shape="3-pricing",
    ),
    Scene(
        name="canary-header",
        group="routing",
        title="Canary by header: the environment staging",
        says="Testers see the new version in production, at any depth, as long as every service hands the header on.",
        hypothesis="Exactly the quotes and orders that say `x-environment: staging` at the edge are priced by v2.",
        act=header.by_header,
        manifests=(header.MANIFEST,),
        shape="4-order",
    ),
    Scene(
        name="canary-progressive",
        group="routing",
        title="Canary promoted by its own success: 10, 25, 50, 100 %",
        says="The share grows while the new version does well; nobody has to sit and watch.",
        hypothesis="v2 is promoted in four steps, then v1 gets nothing, and no request of a user fails on the way.",
        act=decided.promoted,
        manifests=progressive.MANIFESTS,
        shape="3-pricing",
    ),
    Scene(
        name="canary-rolled-back",
        group="routing",
        title="Canary taken back by its error ratio",
        says="A bad release costs a share of a share: it is taken back before it gets more, without anybody's doing.",
        hypothesis="A v2 that cannot find the catalogue is taken back at 10 %, and then no request of a user fails.",
        act=decided.rolled_back,
        manifests=(*progressive.MANIFESTS[:1], ALL_TO_V1),
        shape="3-pricing",
    ),
    Scene(
        name="canary-wrong-answers",
        group="routing",
        title="Canary taken back by wrong answers",
        says="A wrong answer is a success to every counter; only a comparison with the old version finds it.",
        hypothesis="v2-rounding never fails; it is taken back as its prices are not v1's, and then no price is wrong.",
        act=decided.wrong_answers,
        manifests=(*decided.COMPARED, ALL_TO_V1),
        shape="3-pricing",
    ),
    Scene(
        name="sticky",
        group="routing",
        title="Sticky: a user keeps a replica",
        says="A consistent hash of a header chooses the replica: caches stay warm, and no session table is needed.",
        hypothesis="Over three replicas each of 20 users stays with one; without the rule they are spread.",
        act=sticky.sticky,
        manifests=(sticky.STICKY,),
        shape="5-no-monolith",
    ),
)
