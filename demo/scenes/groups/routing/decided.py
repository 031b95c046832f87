"""The three ends that a release can come to."""

import httpx

from scenes.engine.stage import Stage
from scenes.engine.users import asking
from scenes.groups.routing.progressive import after, by_success, past, release
from scenes.groups.routing.quotes import BASKET, PLAIN, V1, V2, beside_v1, total

COMPARED = ("canary/pricing-90-10-compared.yaml",)


async def promoted(stage: Stage) -> None:
    async with beside_v1(stage, {"RULESET": "v2"}), asking(stage, [BASKET]) as users:
        decision = await release(stage, by_success)
        stage.expect(not decision.against, str(decision))
        await past(stage, users, decision.at)
        async with stage.counting("gateway", V1, V2) as grown:
            await after(stage, users, decision.at)
        stage.figure("quotes to v1 after the promotion", int(grown[V1]))
        stage.figure("quotes to v2 after the promotion", int(grown[V2]))
        stage.expect(grown[V1] == 0, f"after the promotion v1 got {grown[V1]:.0f} quotes")
        stage.figure("requests of users in all", len(users.answers))
        stage.expect(
            users.failed() == 0, f"{users.failed()} of {len(users.answers)} requests of users failed"
        )


async def rolled_back(stage: Stage) -> None:
    # A release that looks for the catalogue under a name that nobody has: each of its quotes fails.
    async with (
        beside_v1(stage, {"TITLE_ADDRESS": "catalogue:50051"}),
        asking(stage, [BASKET]) as users,
    ):
        decision = await release(stage, by_success)
        stage.expect(bool(decision.against), str(decision))
        stage.figure("requests of users until the decision", len(users.answers))
        stage.figure("of them failed", users.failed())
        await past(stage, users, decision.at)
        async with stage.counting("gateway", V2) as grown:
            later = await after(stage, users, decision.at)
        failed = users.failed(decision.at)
        stage.figure("requests of users after it", later)
        stage.figure("of them failed", failed)
        stage.expect(decision.share == 10, "nobody had to see v2 but the first 10 %")
        stage.expect(grown[V2] == 0, f"after the decision v2 got {grown[V2]:.0f} quotes")
        stage.expect(failed == 0, f"after the decision {failed} of {later} requests of users failed")


async def wrong_answers(stage: Stage) -> None:
    right = [(await stage.client.post("/api/quotes", json=basket)).content for basket in PLAIN]
    async with beside_v1(stage, {"RULESET": "v2-rounding"}), asking(stage, PLAIN) as users:
        decision = await release(stage, by_comparison, COMPARED)
        stage.expect(bool(decision.against), str(decision))
        stage.figure("requests of users until the decision", len(users.answers))
        stage.figure("of them with a wrong price", users.wrong(right))
        stage.expect(users.failed() == 0, "no request failed: an error ratio would have promoted v2")
        await past(stage, users, decision.at)
        async with stage.counting("gateway", V2) as grown:
            later = await after(stage, users, decision.at)
        wrong = users.wrong(right, decision.at)
        stage.figure("requests of users after it", later)
        stage.figure("of them with a wrong price", wrong)
        stage.expect(grown[V2] == 0, f"after the decision v2 got {grown[V2]:.0f} quotes")
        stage.expect(
            users.failed() == 0, f"{users.failed()} of {len(users.answers)} requests of users failed"
        )
        stage.expect(wrong == 0, f"after the decision {wrong} of {later} users were told a wrong price")


async def by_comparison(stage: Stage, share: int) -> str:
    """The same baskets put to both versions, below the quantity from which their rules differ."""

    async def ask(basket: object, environment: str) -> httpx.Response:
        return await stage.client.post("/api/quotes", json=basket, headers={"x-environment": environment})

    async with stage.counting("gateway", V2) as grown:
        pairs = [(await ask(basket, "production"), await ask(basket, "staging")) for basket in PLAIN]
    stage.expect(grown[V2] >= len(PLAIN), f"v2 was asked {grown[V2]:.0f} quotes, {len(PLAIN)} to compare")
    different = [(v1, v2) for v1, v2 in pairs if v1.content != v2.content]
    stage.figure("baskets that the versions price differently", f"{len(different)} of {len(pairs)}")
    if not different:
        return ""
    v1, v2 = map(total, different[0])
    return f"{len(different)} of {len(pairs)} prices are wrong, such as {v2} instead of {v1}"
