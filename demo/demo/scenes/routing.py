"""Who gets which version: by weight, by header, by the state of the canary itself."""

from typing import Any

from demo.scenes.scene import Scene
from demo.scenes.stage import Stage

BASKET = {"currency": "EUR", "lines": [{"title_id": "t-000001", "quantity": 3}]}
QUOTE: dict[str, Any] = {"json": BASKET}
V1 = "outbound|50051|v1|pricing.figtree.svc.cluster.local;.upstream_rq_total"
V2 = "outbound|50051|v2|pricing.figtree.svc.cluster.local;.upstream_rq_total"


async def weight(stage: Stage) -> None:
    await stage.prepare("traffic/pricing-subsets.yaml", "traffic/pricing-v1.yaml")
    async with stage.variant("pricing", "v2", {"RULESET": "v2"}):
        async with stage.counting("gateway", V1, V2) as before:
            await stage.burst("POST", "/api/quotes", 50, **QUOTE)
        stage.expect(
            before[V2] == 0 and before[V1] == 50, f"before: {before[V1]:.0f} to v1, {before[V2]:.0f} to v2"
        )
        await stage.apply("canary/pricing-90-10.yaml")
        async with stage.counting("gateway", V1, V2) as after:
            answers = await stage.burst("POST", "/api/quotes", 500, **QUOTE)
        share = 100 * after[V2] / (after[V1] + after[V2])
        stage.figure("to v2", share, "%")
        stage.expect(answers.bad == 0, f"{answers.bad} of {answers.count} requests failed")
        # A fair 10 % of 500 is outside of 5 to 16 % less than once in 10,000 runs.
        stage.expect(
            5 <= share <= 16, f"{after[V2]:.0f} of 500 requests went to v2: {share:.1f} %, expected 10 %"
        )


SCENES = (
    Scene(
        name="canary-weight",
        group="routing",
        title="Canary by weight, 90/10",
        says="A new version gets a small share of the traffic first; the mesh splits by weight, not by replicas.",
        hypothesis="With one replica each, 10 % of the quotes reach pricing v2, and none of them fails.",
        act=weight,
        manifests=("canary/pricing-90-10.yaml",),
        shape="3-pricing",
    ),
)
