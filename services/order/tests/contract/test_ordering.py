"""The use cases, over the fake storage and over PostgreSQL: the same answers."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from order.domain import (
    CreditExceeded,
    IdempotencyConflict,
    InvalidOrder,
    InvalidRequest,
    Line,
    NewOrder,
    Order,
    Unavailable,
    UnknownOrder,
)
from order.ports import Outcome, Placed, Refused
from order.service import Ordering

from tests.support.place_requests import place_requests


def wanted(title: str = "t-1", quantity: int = 2, customer: str = "c-1", currency: str = "EUR") -> NewOrder:
    return NewOrder(customer, currency, (Line(title, quantity), Line("t-2", 1)))


async def place(ordering: Ordering, key: str, order: NewOrder) -> Outcome:
    return (await ordering.place_many(place_requests((key, order))))[0]


async def refused(ordering: Ordering, key: str, order: NewOrder) -> Exception:
    outcome = await place(ordering, key, order)
    assert isinstance(outcome, Refused)
    return outcome.error


async def stored(ordering: Ordering, key: str, order: NewOrder) -> Placed:
    placed = await place(ordering, key, order)
    assert isinstance(placed, Placed)
    return placed


async def test_a_placed_order_can_be_read_as_it_was_answered(ordering: Ordering) -> None:
    placed = await stored(ordering, "k", wanted())
    assert not placed.replayed
    assert placed.order.status == "placed"
    assert placed.order.total == Decimal("30.00")
    assert await ordering.get(str(placed.order.id)) == placed.order


async def test_a_customer_without_an_account_has_no_discount(ordering: Ordering) -> None:
    order = (await stored(ordering, "k", wanted())).order
    assert f"{(await ordering.get(str(order.id))).discount_percent:f}" == "0"


async def test_an_account_gives_its_discount_on_the_whole(ordering: Ordering) -> None:
    order = (await stored(ordering, "k", wanted(customer="gold"))).order
    assert (order.discount_percent, order.total) == (Decimal(10), Decimal("27.00"))


async def test_an_order_above_the_credit_limit_is_refused(ordering: Ordering) -> None:
    error = await refused(ordering, "k", wanted(quantity=200, customer="gold"))
    assert isinstance(error, CreditExceeded)
    assert isinstance(await place(ordering, "k", wanted(customer="gold")), Placed)


async def test_the_same_key_and_content_give_the_same_order(ordering: Ordering) -> None:
    first = await stored(ordering, "k", wanted())
    again = await stored(ordering, "k", wanted())
    assert again == Placed(first.order, replayed=True)


async def test_the_same_key_with_other_content_is_a_conflict(ordering: Ordering) -> None:
    await stored(ordering, "k", wanted())
    assert isinstance(await refused(ordering, "k", wanted(quantity=3)), IdempotencyConflict)
    assert isinstance(await refused(ordering, "k", wanted("none")), IdempotencyConflict)


async def test_keys_belong_to_their_customers(ordering: Ordering) -> None:
    first = await stored(ordering, "k", wanted(customer="c-1"))
    second = await stored(ordering, "k", wanted(customer="c-2"))
    assert first.order.id != second.order.id


async def test_a_replay_needs_no_price(ordering: Ordering, pricing: Any, accounts: Any) -> None:
    first = await stored(ordering, "k", wanted())
    pricing.is_down = True
    assert (await stored(ordering, "k", wanted())).order == first.order
    assert isinstance(await refused(ordering, "k2", wanted()), Unavailable)
    assert accounts.calls[0] == ["c-1"]


async def test_an_order_that_cannot_be_priced_stores_nothing(ordering: Ordering) -> None:
    invalid = await refused(ordering, "k", wanted("none"))
    assert isinstance(invalid, InvalidOrder)
    assert invalid.violations == (("lines[0].title_id", "there is no title none"),)
    assert await ordering.page("", 0, "") == ([], "")


async def test_of_many_orders_each_succeeds_or_fails_alone_for_one_call_to_each_neighbour(
    ordering: Ordering, pricing: Any, accounts: Any, wakeups: Any
) -> None:
    outcomes = await ordering.place_many(
        place_requests(
            ("a", wanted()),
            ("b", wanted("none")),
            ("c", wanted(customer="gold", quantity=200)),
            ("", wanted()),
            ("e", wanted(customer="gold")),
        )
    )
    kinds = [Placed, InvalidOrder, CreditExceeded, InvalidOrder, Placed]
    assert [type(o.error if isinstance(o, Refused) else o) for o in outcomes] == kinds
    assert (pricing.calls, accounts.calls) == ([4], [["c-1", "gold"]])
    assert wakeups.count == 1


async def test_equal_keys_within_one_bulk_are_as_if_they_came_one_after_the_other(ordering: Ordering) -> None:
    first, same, other, after_failure, bad = await ordering.place_many(
        place_requests(
            ("a", wanted()), ("a", wanted()), ("a", wanted("none")), ("b", wanted("none")), ("b", wanted())
        )
    )
    assert isinstance(first, Placed)
    assert same == Placed(first.order, replayed=True)
    assert isinstance(other, Refused)
    assert isinstance(other.error, IdempotencyConflict)
    assert isinstance(after_failure, Refused)
    assert isinstance(after_failure.error, InvalidOrder)
    assert isinstance(bad, Placed)
    assert not bad.replayed


async def test_concurrent_equal_keys_give_one_order_and_the_same_answer(ordering: Ordering) -> None:
    outcomes = await asyncio.gather(*(place(ordering, "k", wanted()) for _ in range(12)))
    assert all(isinstance(outcome, Placed) for outcome in outcomes)
    assert len({outcome.order.id for outcome in outcomes if isinstance(outcome, Placed)}) == 1
    assert [o.replayed for o in outcomes if isinstance(o, Placed)].count(False) == 1
    assert len((await ordering.page("", 0, ""))[0]) == 1


async def test_concurrent_bulks_with_the_same_keys_in_other_order_do_not_block_each_other(
    ordering: Ordering,
) -> None:
    bulk = [(f"k{n}", wanted()) for n in range(50)]
    bulks = (bulk, bulk[::-1], bulk, bulk[::-1])
    both = await asyncio.gather(*(ordering.place_many(place_requests(*one)) for one in bulks))
    assert all(isinstance(outcome, Placed) for outcomes in both for outcome in outcomes)
    assert len((await ordering.page("", 100, ""))[0]) == 50


async def test_pages_are_the_newest_first_and_meet_without_gap(ordering: Ordering) -> None:
    for n in range(5):
        await stored(ordering, f"k{n}", wanted(customer=f"c-{n % 2}"))
    everything, _ = await ordering.page("", 0, "")
    seen: list[Order] = []
    last = ""
    while True:
        page, last = await ordering.page("", 2, last)
        seen += page
        if not last:
            break
    assert seen == everything
    assert [order.id for order in seen] == sorted((order.id for order in seen), reverse=True)
    assert [order.customer_id for order in (await ordering.page("c-1", 0, ""))[0]] == ["c-1", "c-1"]


async def test_a_full_last_page_has_no_successor(ordering: Ordering) -> None:
    for n in range(2):
        await stored(ordering, f"k{n}", wanted())
    assert (await ordering.page("", 2, ""))[1] == ""


async def test_what_is_not_there_is_said_to_be_unknown(ordering: Ordering) -> None:
    for order_id in (str(uuid4()), "junk", ""):
        with pytest.raises(UnknownOrder, match=f"there is no order {order_id}"):
            await ordering.get(order_id)
    assert await ordering.page("nobody", 0, "") == ([], "")
    assert await ordering.page("nul\x00", 0, "") == ((), "")


async def test_pages_that_do_not_exist_are_refused(ordering: Ordering) -> None:
    for size, last in ((101, ""), (-1, ""), (1, "not a uuid")):
        with pytest.raises(InvalidRequest):
            await ordering.page("", size, last)
