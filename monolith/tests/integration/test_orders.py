import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from monolith.database import Database
from monolith.order.service import LocalOrders
from monolith.order.storage import Draft, OrderStorage
from monolith.order.watch import Watches
from monolith.pricing.service import LocalPricing
from rest_api.errors import Conflict, Invalid, Missing, Unavailable
from rest_api.models import Line, NewOrder, Order
from rest_api.ports import Placed
from tracing import Traces


def other(order: NewOrder) -> NewOrder:
    return order.model_copy(update={"lines": (Line(title_id="t-000003", quantity=1),)})


async def test_one_key_stores_one_order_however_many_ask_at_once(
    orders: LocalOrders, new_order: NewOrder
) -> None:
    placed = await asyncio.gather(*(orders.place("k", new_order) for _ in range(30)))
    assert len({p.order.id for p in placed}) == 1
    assert [p.replayed for p in placed].count(False) == 1
    assert len((await orders.list(new_order.customer_id, 100, "")).orders) == 1


async def test_of_two_orders_with_one_key_one_is_stored_and_the_other_a_conflict(
    orders: LocalOrders, new_order: NewOrder
) -> None:
    calls = [orders.place("k", new_order if i % 2 else other(new_order)) for i in range(20)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    stored = (await orders.list(new_order.customer_id, 100, "")).orders
    assert len(stored) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 10
    assert {a.order.id for a in answers if isinstance(a, Placed)} == {stored[0].id}


async def test_bulks_with_the_same_keys_in_any_order_do_not_block_each_other(
    orders: LocalOrders, new_order: NewOrder
) -> None:
    items = [(f"k-{i}", new_order) for i in range(20)]
    bulks = await asyncio.gather(*(orders.place_many(items[:: (-1) ** i]) for i in range(6)))
    assert len((await orders.list(new_order.customer_id, 100, "")).orders) == 20
    placed = [answer for bulk in bulks for answer in bulk if isinstance(answer, Placed)]
    assert len(placed) == 120
    assert sum(not p.replayed for p in placed) == 20


async def test_a_bad_order_of_a_bulk_fails_alone_and_leaves_its_key_free(
    orders: LocalOrders, new_order: NewOrder
) -> None:
    bad = new_order.model_copy(update={"currency": "XXX"})
    first, second, third, fourth = await orders.place_many(
        [("a", bad), ("a", new_order), ("a", new_order), ("a", other(new_order))]
    )
    assert isinstance(first, Invalid)
    assert isinstance(second, Placed)
    assert not second.replayed
    assert isinstance(third, Placed)
    assert third.replayed
    assert isinstance(fourth, Conflict)


async def test_a_replay_needs_no_price(
    database: Database, watches: Watches, orders: LocalOrders, new_order: NewOrder
) -> None:
    class Broken:
        async def batch_quote(self, _: Any) -> Any:
            raise Unavailable("pricing is gone")

    broken: Any = Broken()
    without = LocalOrders(OrderStorage(database), watches, broken, Traces())
    first = await orders.place("k", new_order)
    assert (await without.place("k", new_order)).order.id == first.order.id
    with pytest.raises(Conflict):
        await without.place("k", other(new_order))
    with pytest.raises(Unavailable):
        await without.place("new", new_order)


async def test_an_order_is_no_replay_because_its_connection_died_after_storing_it(
    database: Database, watches: Watches, pricing: LocalPricing, new_order: NewOrder
) -> None:
    class Repeating(OrderStorage):
        async def store(self, drafts: Sequence[Draft]) -> dict[UUID, Order]:
            await super().store(drafts)
            return await super().store(drafts)

    orders = LocalOrders(Repeating(database), watches, pricing, Traces())
    first, second = await orders.place_many([("k", new_order), ("k", new_order)])
    assert isinstance(first, Placed)
    assert isinstance(second, Placed)
    assert (first.replayed, second.replayed) == (False, True)
    assert len((await orders.list(new_order.customer_id, 10, "")).orders) == 1


async def test_pages_hold_every_order_once_the_newest_first(orders: LocalOrders, new_order: NewOrder) -> None:
    placed = [(await orders.place(f"k-{i}", new_order)).order.id for i in range(7)]
    seen, token = [], ""
    while True:
        page = await orders.list(new_order.customer_id, 3, token)
        seen += [order.id for order in page.orders]
        token = page.next_page_token
        if not token:
            break
    assert seen == placed[::-1]


async def test_a_stored_order_reads_as_it_was_answered(orders: LocalOrders, new_order: NewOrder) -> None:
    yen = new_order.model_copy(update={"currency": "JPY"})
    placed = (await orders.place("k", yen)).order
    assert (await orders.get(placed.id)).model_dump_json() == placed.model_dump_json()


async def test_an_unknown_order_is_missing(orders: LocalOrders) -> None:
    with pytest.raises(Missing):
        await orders.get(uuid4())
