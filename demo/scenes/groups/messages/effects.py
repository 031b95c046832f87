"""What orders show of the events that moved them."""

import httpx

from scenes.engine import orders
from scenes.engine.stage import Stage

STEPS = [1, 2, 3]  # placed, accepted, shipped


async def all_shipped(stage: Stage, customer: str, count: int = 0) -> None:
    async def are() -> bool:
        try:
            stored = await orders.stored(stage.client, customer)
        except httpx.HTTPError:  # the service may be starting
            return False
        return len(stored) >= count and all(order["status"] == "shipped" for order in stored)

    await stage.eventually("all orders are shipped", are, patience=30)


async def once_in_effect(stage: Stage, ids: list[str]) -> None:
    histories = await orders.histories(stage.client, ids)
    right = histories.count(STEPS)
    stage.figure("orders with the history 1, 2, 3", f"{right} of {len(ids)}")
    stage.expect(right == len(ids), f"{right} of {len(ids)} orders have the history 1, 2, 3")
