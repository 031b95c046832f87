"""A consumer that dies while it has events in its hands."""

import itertools
import time

import httpx

from scenes.engine import orders
from scenes.engine.stage import Stage
from scenes.engine.steady import steady
from scenes.groups.messages.effects import all_shipped, once_in_effect
from scenes.groups.messages.events import MOVING
from scenes.groups.messages.queue import opened


async def redelivery(stage: Stage) -> None:
    customer, numbers = orders.newcomer("redelivery"), itertools.count()

    async def order() -> httpx.Response:
        return await orders.place(stage.client, customer, f"key-{next(numbers)}")

    async with opened(stage.runtime) as queue:
        await stage.eventually("the consumer has nothing to do", queue.is_idle)
        before = await queue.delivered()

        async def delivered() -> bool:
            return await queue.in_hand() > 0

        for _ in range(3):  # on a busy machine the kill may come when the consumer has just acknowledged them
            async with steady(order, at_once=20):
                await stage.eventually("events are with the consumer", delivered, patience=15)
                killed = time.monotonic()
                await stage.cause("kill the consumer's process", lambda: stage.runtime.faults.kill("order"))
            if await queue.in_hand():
                break
        await all_shipped(stage, customer)
        stage.figure("all shipped after", time.monotonic() - killed, "s")
        await stage.eventually("the consumer is done", queue.is_idle)
        ids = [stored["id"] for stored in await orders.stored(stage.client, customer)]
        again = await queue.delivered() - before - len(MOVING) * len(ids)
        stage.figure("events delivered again", again)
        stage.expect(again > 0, f"{again} events were delivered again, as nobody had acknowledged them")
        await once_in_effect(stage, ids)
