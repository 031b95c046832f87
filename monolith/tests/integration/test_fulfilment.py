import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from monolith.database import Database
from monolith.order.fulfilment import Fulfilment
from monolith.order.service import LocalOrders
from monolith.order.watch import Watches
from rest_api.errors import Missing
from rest_api.models import NewOrder
from sqlalchemy import text
from tracing import Traces


@pytest.fixture
async def working(database: Database, watches: Watches) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(w) for w in (Fulfilment(database, 0.1, Traces()).work(), watches.follow())]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@pytest.mark.usefixtures("working")
async def test_an_order_is_watched_until_it_is_shipped(orders: LocalOrders, new_order: NewOrder) -> None:
    order = (await orders.place("k", new_order)).order
    events = [event async for event in orders.watch(order.id, 0)]
    assert [(e.sequence, e.status) for e in events] == [(1, "placed"), (2, "accepted"), (3, "shipped")]
    assert events[0].at == order.created_at
    assert (await orders.get(order.id)).status == "shipped"
    assert [e.sequence async for e in orders.watch(order.id, 1)] == [2, 3]
    assert [e.sequence async for e in orders.watch(order.id, 3)] == []


@pytest.mark.usefixtures("working")
async def test_watching_behind_the_last_event_ends_when_the_order_is_shipped(
    orders: LocalOrders, new_order: NewOrder
) -> None:
    order = (await orders.place("key-1", new_order)).order
    async with asyncio.timeout(20):
        assert [e.sequence async for e in orders.watch(order.id, 9)] == []
    assert (await orders.get(order.id)).status == "shipped"


@pytest.mark.usefixtures("working")
async def test_many_watchers_of_many_orders_all_see_everything(
    orders: LocalOrders, new_order: NewOrder
) -> None:
    placed = [(await orders.place(f"k-{i}", new_order)).order.id for i in range(10)]

    async def watched(order_id: UUID) -> list[int]:
        return [e.sequence async for e in orders.watch(order_id, 0)]

    assert await asyncio.gather(*(watched(i) for i in placed * 5)) == [[1, 2, 3]] * 50


async def test_watching_nothing_is_missing_before_it_begins(orders: LocalOrders) -> None:
    with pytest.raises(Missing):
        await anext(orders.watch(uuid4(), 0))


async def test_workers_at_the_same_time_move_each_order_once(
    database: Database, orders: LocalOrders, new_order: NewOrder
) -> None:
    order_ids = [(await orders.place(f"k-{i}", new_order)).order.id for i in range(20)]
    worker = Fulfilment(database, 0, Traces())
    for _ in range(4):
        await asyncio.gather(*(worker.step() for _ in range(5)))
    events = await database.rows(
        text(
            "select count(*), count(*) filter (where published) from order_events where order_id = any(:ids)"
        ),
        {"ids": order_ids},
    )
    assert tuple(events[0]) == (60, 60)
