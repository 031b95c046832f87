"""What only a fake can do to the use cases: break on demand."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from order.domain import CatalogueAway, Degraded, Line, NewOrder, NotTheWriter, Unavailable
from order.ports import Failed, Placed, Refused
from order.service import Ordering

from tests.support.place_requests import place_requests


@pytest.fixture
def ordering(memory: Any, pricing: Any, accounts: Any, wakeups: Any) -> Ordering:
    return Ordering(memory, pricing, accounts, wakeups, lambda: datetime.now(UTC))


ORDER = NewOrder("c", "EUR", (Line("t", 1),))


async def test_one_order_that_cannot_be_stored_fails_alone(ordering: Ordering, memory: Any) -> None:
    memory.breaks_on = "b"
    a, b, c = await ordering.place_many(place_requests(*((key, ORDER) for key in "abc")))
    assert isinstance(a, Placed)
    assert isinstance(b, Failed)
    assert isinstance(b.error, RuntimeError)
    assert isinstance(c, Placed)


async def test_behind_a_fence_new_orders_are_refused_and_stored_ones_still_answered(
    ordering: Ordering, memory: Any, wakeups: Any
) -> None:
    await ordering.place_many(place_requests(("a", ORDER)))
    memory.is_fenced = True
    a, b = await ordering.place_many(place_requests(("a", ORDER), ("b", ORDER)))
    assert isinstance(a, Placed)
    assert isinstance(b, Refused)
    assert isinstance(b.error, NotTheWriter)
    assert wakeups.count == 1


async def test_without_the_database_every_order_is_unavailable(ordering: Ordering, memory: Any) -> None:
    memory.is_down = True
    outcomes = await ordering.place_many(place_requests(("a", ORDER), ("b", ORDER)))
    assert [type(o.error) for o in outcomes if isinstance(o, Refused)] == [Unavailable, Unavailable]


async def test_an_order_stored_by_a_statement_that_seemed_to_fail_is_not_a_replay(
    ordering: Ordering, memory: Any
) -> None:
    store = memory.store

    async def stored_without_an_answer(entries: Any) -> set[Any]:
        await store(entries)
        return set()

    memory.store = stored_without_an_answer
    (placed,) = await ordering.place_many(place_requests(("a", ORDER)))
    assert isinstance(placed, Placed)
    assert not placed.replayed


async def test_a_repetition_does_not_wait_for_pricing_that_hangs(
    memory: Any, pricing: Any, accounts: Any, wakeups: Any
) -> None:
    ordering = Ordering(memory, pricing, accounts, wakeups, lambda: datetime.now(UTC), patience=0.01)
    (first,) = await ordering.place_many(place_requests(("a", ORDER)))

    async def hang(_: Any) -> Any:
        await asyncio.sleep(60)

    pricing.price = hang
    async with asyncio.timeout(2):
        (again,) = await ordering.place_many(place_requests(("a", ORDER)))
    assert isinstance(first, Placed)
    assert again == Placed(first.order, replayed=True)


async def test_an_order_that_was_priced_without_the_catalogue_says_so_and_a_replay_does_not(
    ordering: Ordering, pricing: Any
) -> None:
    pricing.degraded = Degraded(datetime(2026, 11, 20, 12, 30, tzinfo=UTC), date(2026, 11, 20))
    new = NewOrder("c", "EUR", (Line("new", 1),))
    known, unknown = await ordering.place_many(place_requests(("a", ORDER), ("b", new)))
    assert isinstance(known, Placed)
    assert known.degraded == pricing.degraded
    assert isinstance(unknown, Refused)
    assert isinstance(unknown.error, CatalogueAway)
    (again,) = await ordering.place_many(place_requests(("a", ORDER)))
    assert again == Placed(known.order, replayed=True)
