"""A header that travels with the request decides, as deep in the system as it may be."""

import uuid
from typing import Any

from scenes.engine.burst import Burst
from scenes.engine.stage import Stage
from scenes.groups.routing.quotes import BULK, V1, V2, beside_v1, total

STAGING = {"x-environment": "staging"}
MANIFEST = "canary/pricing-staging.yaml"


def order(**headers: str) -> dict[str, Any]:
    key = {"idempotency-key": str(uuid.uuid4())}
    return {"json": BULK | {"customer_id": "scene-staging"}, "headers": key | headers}


def totals(burst: Burst) -> set[str]:
    return {total(answer) for answer in burst.answers}


async def by_header(stage: Stage) -> None:
    async with beside_v1(stage, {"RULESET": "v2"}):
        await stage.apply(MANIFEST)
        async with stage.counting("gateway", V1, V2) as plain:
            others = await stage.burst("POST", "/api/quotes", 100, json=BULK)
        async with stage.counting("gateway", V1, V2) as staged:
            testers = await stage.burst("POST", "/api/quotes", 100, json=BULK, headers=STAGING)
        stage.figure("quotes without the header to v2", int(plain[V2]), "of 100")
        stage.figure("quotes with the header to v2", int(staged[V2]), "of 100")
        stage.expect(others.good == testers.good == 100, "all 200 quotes were answered")
        stage.expect(
            plain[V2] == 0 and plain[V1] == 100,
            f"without the header {plain[V1]:.0f} of 100 quotes went to v1, {plain[V2]:.0f} to v2",
        )
        stage.expect(
            staged[V2] == 100 and staged[V1] == 0,
            f"with the header {staged[V2]:.0f} of 100 quotes went to v2, {staged[V1]:.0f} to v1",
        )
        await _two_hops_away(stage, totals(others), totals(testers))


async def _two_hops_away(stage: Stage, old: set[str], new: set[str]) -> None:
    """An order is priced for the order service: the header has come with it from the edge."""
    placed, tested = [], []
    for _ in range(10):
        placed += (await stage.burst("POST", "/api/orders", 1, **order())).answers
        tested += (await stage.burst("POST", "/api/orders", 1, **order(**STAGING))).answers
    right = sum(answer.status_code == 201 and total(answer) in old for answer in placed)
    right_too = sum(answer.status_code == 201 and total(answer) in new for answer in tested)
    stage.figure("an order without the header", ", ".join(old))
    stage.figure("the same order with it", ", ".join(new))
    stage.expect(not old & new, "the two versions ask different prices for 300 copies")
    stage.expect(right == 10, f"{right} of 10 orders without the header have v1's price")
    stage.expect(right_too == 10, f"{right_too} of 10 orders with the header have v2's price, two hops away")
