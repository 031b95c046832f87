"""The database or the queue goes away for a while: what was promised is kept."""

import asyncio
import time

from scenes.engine import orders
from scenes.engine.outage import outage
from scenes.engine.stage import Stage
from scenes.engine.steady import steady

PROBLEM = "application/problem+json"
AWAY = 2.0
ORDERS = 30


async def database(stage: Stage) -> None:
    shopper = orders.Shopper(stage, orders.newcomer("database"))
    async with steady(shopper.order, at_once=2) as answers:
        await asyncio.sleep(0.5)
        gone = time.monotonic()
        async with outage(stage, "postgres"):
            await asyncio.sleep(AWAY)
            returning = time.monotonic()
        up = time.monotonic()

        async def accepted_again() -> bool:
            return any(a.begun > returning and a.status == 201 for a in answers.all)

        await stage.eventually("orders are accepted again", accepted_again, patience=20)
        again = min(a.ended for a in answers.all if a.begun > returning and a.status == 201)
        await asyncio.sleep(0.5)
    failed = answers.failed()
    stage.figure("database away for", up - gone, "s")
    stage.figure("orders refused meanwhile", len(failed))
    stage.figure("first order after its return", max(0.0, again - up), "s")
    stage.expect(len(failed) > 0, f"{len(failed)} orders were refused while it was away")
    proper = sum(a.status in (503, 504) and a.kind == PROBLEM for a in failed)
    stage.expect(proper == len(failed), f"{proper} of them with a problem that says so, 503 or 504")
    await shopper.expect_each_once()


async def queue(stage: Stage) -> None:
    customer = orders.newcomer("queue")
    async with outage(stage, "nats"):
        begun = time.monotonic()
        ids = await orders.placed(stage.client, customer, ORDERS)
        took = time.monotonic() - begun
        await asyncio.sleep(AWAY)
        waiting = sum(o["status"] == "placed" for o in await orders.stored(stage.client, customer))
        stage.figure("accepted while the queue is away", f"{len(ids)} of {ORDERS}")
        stage.expect(len(ids) == ORDERS, f"{len(ids)} of {ORDERS} orders are accepted, in {took:.1f} s")
        stage.expect(waiting == ORDERS, f"{waiting} of them wait: their events are in the outbox")
    back = time.monotonic()

    async def all_shipped() -> bool:
        return await orders.shipped(stage.client, customer) == ORDERS

    await stage.eventually("when the queue is back all of them are shipped", all_shipped, patience=20)
    stage.figure("shipped after its return", time.monotonic() - back, "s")
    histories = await orders.histories(stage.client, ids)
    once = sum(history == [1, 2, 3] for history in histories)
    stage.figure("events arrived once each, in order", f"{once} of {ORDERS}", "orders")
    stage.expect(once == ORDERS, f"{once} of {ORDERS} orders have the history 1, 2, 3")
