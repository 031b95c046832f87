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
        others, testers = await told_apart(stage, V1, V2, 100)
        await _two_hops_away(stage, totals(others), totals(testers))


async def told_apart(stage: Stage, v1: str, v2: str, count: int, by: str = "") -> tuple[Burst, Burst]:
    """Quotes without the header, then as many with it, counted by the gateway as `v1` and `v2`; the answers to both."""
    async with stage.counting("gateway", v1, v2) as plain:
        others = await stage.burst("POST", "/api/quotes", count, json=BULK)
    async with stage.counting("gateway", v1, v2) as staged:
        testers = await stage.burst("POST", "/api/quotes", count, json=BULK, headers=STAGING)
    stage.figure(f"{by}quotes without the header to v2", int(plain[v2]), f"of {count}")
    stage.figure(f"{by}quotes with the header to v2", int(staged[v2]), f"of {count}")
    stage.expect(others.good == testers.good == count, f"{by}all {2 * count} quotes were answered")
    stage.expect(
        plain[v2] == 0 and plain[v1] == count,
        f"{by}without the header {plain[v1]:.0f} of {count} quotes went to v1, {plain[v2]:.0f} to v2",
    )
    stage.expect(
        staged[v2] == count and staged[v1] == 0,
        f"{by}with the header {staged[v2]:.0f} of {count} quotes went to v2, {staged[v1]:.0f} to v1",
    )
    return others, testers


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
