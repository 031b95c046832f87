"""Orders move on by events: through an outbox and a queue to a consumer that may get each of them twice."""

import asyncio
import json
import time
import uuid
from statistics import median

from scenes.engine import orders
from scenes.engine.stage import Stage
from scenes.groups.messages.effects import STEPS, all_shipped, once_in_effect
from scenes.groups.messages.queue import opened

ORDERS = 30
MOVING = ("orders.placed", "orders.accepted")  # what the consumer takes; shipped is the end


async def in_order(stage: Stage) -> None:
    customer = orders.newcomer("events")
    ids: list[str] = []
    took: list[float] = []

    async def place() -> None:
        ids.extend(await orders.placed(stage.client, customer, ORDERS))

    async def watch(order_id: str) -> list[int]:
        begun = time.monotonic()
        seen = await orders.watched(stage.client, order_id)
        took.append(time.monotonic() - begun)
        return seen

    async with opened(stage.runtime) as queue:
        before = await queue.last()
        await stage.cause(f"place {ORDERS} orders", place)
        histories = await asyncio.gather(*(watch(order_id) for order_id in ids))
        right = sum(history == STEPS for history in histories)
        stage.figure("orders watched until they were shipped", f"{right} of {ORDERS}")
        stage.expect(right == ORDERS, f"{right} of {ORDERS} streams showed 1, 2, 3, once each")
        stage.figure("from the first event to the last, median", median(took), "s")

        async def published() -> bool:
            return await queue.last() - before >= len(STEPS) * ORDERS

        await stage.eventually(f"the queue has all {len(STEPS) * ORDERS} events", published)
        stage.figure("events in the queue", await queue.last() - before)


async def duplicates(stage: Stage) -> None:
    customer = orders.newcomer("twice")
    async with opened(stage.runtime) as queue:
        first = await queue.last() + 1
        ids = await orders.placed(stage.client, customer, ORDERS)
        await all_shipped(stage, customer, ORDERS)
        await stage.eventually("the consumer is done", queue.is_idle)
        events = [
            event
            for event in await queue.events(first, await queue.last())
            if json.loads(event[1])["order_id"] in ids and event[0] in MOVING
        ]
        before = await queue.delivered()
        taken: list[bool] = []

        async def again() -> None:
            for subject, content, message_id in events:
                taken.append(await queue.put(subject, content, message_id))
                await queue.put(subject, content)

        await stage.cause("publish each event twice more: once as itself, once as if it were new", again)
        await stage.eventually("the consumer is done with them", queue.is_idle)
        repeated = await queue.delivered() - before
        refused = taken.count(False)
        stage.figure("kept out by the queue, as it knows their ids", refused, f"of {len(events)}")
        stage.figure("delivered a second time to the consumer", repeated, f"of {len(events)}")
        stage.expect(refused == len(events) > 0, f"the queue kept {refused} out, as it knows their ids")
        stage.expect(repeated == len(events), f"the consumer got {repeated} of {len(events)} a second time")
        await once_in_effect(stage, ids)


async def poison(stage: Stage) -> None:
    customer = orders.newcomer("poison")
    unknown_order = {"order_id": str(uuid.uuid4()), "sequence": 1, "status": "placed"}
    bad = (
        b"this is no event",
        b"{}",
        json.dumps(unknown_order | {"at": "yesterday"}).encode(),
        json.dumps(
            unknown_order | {"at": "2026-01-01T00:00:00+00:00"}
        ).encode(),  # of an order that does not exist
    )
    async with opened(stage.runtime) as queue:
        await stage.eventually("the consumer has nothing to do", queue.is_idle)
        before = await queue.delivered()

        async def put() -> None:
            await asyncio.gather(*(queue.put("orders.placed", content) for content in bad))

        await stage.cause(f"put {len(bad)} messages into the queue that nobody can handle", put)
        begun = time.monotonic()
        ids = await orders.placed(stage.client, customer, ORDERS)
        await all_shipped(stage, customer, ORDERS)
        stage.figure("orders behind them shipped after", time.monotonic() - begun, "s")
        await stage.eventually("the consumer is done", queue.is_idle)
        handled = await queue.delivered() - before - len(MOVING) * len(ids)
        stage.figure("bad messages delivered", handled)
        stage.expect(handled == len(bad), f"the consumer got {handled} bad messages, each once, and went on")
        await once_in_effect(stage, ids)
