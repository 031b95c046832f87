"""A queue that has no room left refuses new events; whoever writes them keeps them meanwhile."""

import asyncio
import time

from scenes.engine import orders
from scenes.engine.stage import Stage
from scenes.groups.messages.effects import all_shipped, once_in_effect
from scenes.groups.messages.queue import opened

FULL = 2.0  # seconds
ORDERS = 30
REDELIVERY = 30.0  # seconds: what a dead consumer had in hand is delivered again after 10 or so


async def queue(stage: Stage) -> None:
    customer = orders.newcomer("full")
    async with opened(stage.runtime) as queue:
        first = orders.newcomer("first")  # so that the queue is there, and is not empty
        await orders.placed(stage.client, first, 1)
        await all_shipped(stage, first, 1)
        await stage.eventually("the queue has nothing to do", queue.is_idle, patience=REDELIVERY)
        await stage.cause("leave the queue no room for another event", queue.close)
        try:
            before = await queue.last()
            ids = await orders.placed(stage.client, customer, ORDERS)
            await asyncio.sleep(FULL)
            waiting = sum(o["status"] == "placed" for o in await orders.stored(stage.client, customer))
            taken = await queue.last() - before
        finally:
            await asyncio.shield(queue.reopen())
        freed = time.monotonic()
        stage.figure("accepted while the queue is full", f"{len(ids)} of {ORDERS}")
        stage.figure("events that it took meanwhile", taken)
        stage.expect(len(ids) == ORDERS, f"{len(ids)} of {ORDERS} orders are accepted")
        stage.expect(taken == 0, f"the full queue took {taken} events")
        stage.expect(waiting == ORDERS, f"{waiting} of {ORDERS} orders wait: their events are in the outbox")
        await all_shipped(stage, customer, ORDERS)
        stage.figure("shipped after there was room", time.monotonic() - freed, "s")
    await once_in_effect(stage, ids)
