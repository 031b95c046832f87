"""Shares of the traffic, whatever the number of replicas."""

from scenes.engine.stage import Stage
from scenes.groups.routing.quotes import ALL_TO_V1, BULK, QUOTE, SUBSETS, V1, V2, beside_v1


async def all_to_v1(stage: Stage) -> None:
    expected = (await stage.burst("POST", "/api/quotes", 1, json=BULK)).bodies
    await stage.prepare(SUBSETS)
    await stage.apply(ALL_TO_V1)
    async with stage.variant("pricing", "v2", {"RULESET": "v2"}):
        async with stage.counting("gateway", V1, V2) as grown:
            quotes = await stage.burst("POST", "/api/quotes", 200, json=BULK)
        same = sum(count for body, count in quotes.bodies.items() if body in expected)
        stage.figure("quotes to v1", int(grown[V1]), "of 200")
        stage.figure("quotes to v2", int(grown[V2]), "of 200")
        stage.expect(quotes.good == 200, f"{quotes.good} of 200 quotes were answered")
        stage.expect(same == 200, f"{same} of 200 quotes have v1's price while v2 runs beside it")
        stage.expect(
            grown[V1] == 200 and grown[V2] == 0,
            f"the caller's sidecar sent {grown[V1]:.0f} of 200 to v1 and {grown[V2]:.0f} to v2",
        )


async def weight(stage: Stage) -> None:
    async with beside_v1(stage, {"RULESET": "v2"}):
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
