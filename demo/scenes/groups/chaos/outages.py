"""The database or the queue goes away for a while: what was promised is kept."""

import asyncio
import itertools
import time

import httpx

from scenes.engine import orders
from scenes.engine.outage import outage
from scenes.engine.stage import Stage
from scenes.engine.steady import steady

PROBLEM = "application/problem+json"
AWAY = 2.0
ORDERS = 30


async def database(stage: Stage) -> None:
    customer, numbers = orders.newcomer("database"), itertools.count()
    accepted: dict[str, str] = {}
    tried: set[str] = set()

    async def order() -> httpx.Response:
        key = f"key-{next(numbers)}"
        tried.add(key)
        answer = await orders.place(stage.client, customer, key)
        if answer.is_success:
            accepted[key] = answer.json()["id"]
        return answer

    async with steady(order, at_once=2) as answers:
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
    await _nothing_lost(stage, customer, accepted, tried)


async def _nothing_lost(stage: Stage, customer: str, accepted: dict[str, str], tried: set[str]) -> None:
    """Users repeat what was not answered, with the same key; then each order is there once."""
    stored = {order["id"] for order in await orders.stored(stage.client, customer)}
    missing = set(accepted.values()) - stored
    stage.expect(not missing, f"{len(missing)} of {len(accepted)} accepted orders are lost")
    for key in tried - accepted.keys():
        answer = await orders.place(stage.client, customer, key)
        stage.expect(answer.is_success, f"an order that was refused is repeated: {answer.status_code}")
    total = len(await orders.stored(stage.client, customer))
    stage.figure("orders stored", f"{total} of {len(tried)}")
    stage.expect(
        total == len(tried), f"{len(tried)} orders, some sent twice with one key, are {total} orders"
    )


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
