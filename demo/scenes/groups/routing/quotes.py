"""What the routing scenes ask for, and how a second version of pricing comes and goes unnoticed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from scenes.engine.counters import calls_to
from scenes.engine.stage import Stage

BASKET = {"currency": "EUR", "lines": [{"title_id": "t-000001", "quantity": 3}]}
QUOTE: dict[str, Any] = {"json": BASKET}
# From 250 copies on ruleset v2 takes 5 points more off than v1: the price tells which version has answered.
BULK: dict[str, object] = {"currency": "EUR", "lines": [{"title_id": "t-000001", "quantity": 300}]}
PLAIN = [  # every rate and every list price with cents: where rounding matters
    {"currency": currency, "lines": [{"title_id": f"t-00000{number}", "quantity": 3}]}
    for currency in ("SEK", "USD", "GBP", "CHF")
    for number in (1, 2, 3)
]
SUBSETS = "traffic/pricing-subsets.yaml"
ALL_TO_V1 = "traffic/pricing-v1.yaml"
V1, V2 = calls_to("pricing", "v1"), calls_to("pricing", "v2")


@asynccontextmanager
async def beside_v1(stage: Stage, env: Mapping[str, str]) -> AsyncIterator[None]:
    """Pricing v2 runs inside the block; when it goes, nobody is being sent to it any more."""
    await stage.prepare(SUBSETS)
    await stage.prepare(ALL_TO_V1)
    async with stage.variant("pricing", "v2", env):
        try:
            yield
        finally:
            await asyncio.shield(stage.prepare(ALL_TO_V1))


def total(answer: httpx.Response) -> str:
    """What a quote or an order comes to, as people write it."""
    content = answer.json()
    return f"{content['total']} {content['currency']}"
