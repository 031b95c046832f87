"""Any batch gives what its orders give one after the other, and what was acknowledged is stored, whatever breaks."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from coalescing.coalesce import Coalescer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from order.domain import Line, NewOrder
from order.ports import Entry, Failed, Outcome, Placed, PlaceRequest, Refused
from order.service import Ordering
from order.storage import SqlOrders
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.place_requests import place_requests

LOOSE = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Few keys and contents, so that repetitions and conflicts are common; `none` has no price, 200 are too dear for gold.
ORDERS = st.tuples(
    st.sampled_from(["a", "b", "c", "\t"]),
    st.builds(
        NewOrder,
        customer_id=st.sampled_from(["c-1", "gold"]),
        currency=st.just("EUR"),
        lines=st.lists(
            st.builds(Line, st.sampled_from(["t-1", "t-1", "none"]), st.sampled_from([1, 2, 200])),
            min_size=0,
            max_size=2,
        ).map(tuple),
    ),
)


def comparable(outcome: Outcome) -> Any:
    """Without what differs between two runs: the id and the time."""
    if isinstance(outcome, Placed):
        return outcome.replayed, outcome.order.total, outcome.order.lines, outcome.order.discount_percent
    return type(outcome.error), str(outcome.error)


def of_run(run: str, wanted: Sequence[tuple[str, NewOrder]]) -> list[PlaceRequest]:
    return place_requests(*((f"{run}{key}", order) for key, order in wanted))


@LOOSE
@given(wanted=st.lists(ORDERS, min_size=1, max_size=8))
async def test_a_batch_gives_what_its_orders_give_one_after_the_other(
    ordering: Ordering, wanted: list[tuple[str, NewOrder]]
) -> None:
    one, other = uuid4().hex, uuid4().hex
    together = await ordering.place_many(of_run(one, wanted))
    alone = [(await ordering.place_many([item]))[0] for item in of_run(other, wanted)]
    assert [comparable(outcome) for outcome in together] == [
        comparable(outcome)
        if isinstance(outcome, Placed)
        else (comparable(outcome)[0], comparable(outcome)[1].replace(other, one))
        for outcome in alone
    ]


class Breaking(SqlOrders):
    """A storage that dies before or after the commit, as the list says, and works when the list is at its end."""

    def __init__(self, engine: AsyncEngine, deaths: list[str]) -> None:
        super().__init__(engine)
        self._deaths = deaths

    async def store(self, entries: Sequence[Entry]) -> Any:
        death = self._deaths.pop(0) if self._deaths else ""
        if death == "before":
            raise asyncio.CancelledError
        stored = await super().store(entries)
        if death == "after":
            raise asyncio.CancelledError
        return stored


@LOOSE
@given(
    wanted=st.lists(ORDERS, min_size=1, max_size=12),
    deaths=st.lists(st.sampled_from(["", "before", "after"]), max_size=4),
    leaving=st.sets(st.integers(0, 11), max_size=3),
)
async def test_what_was_acknowledged_is_stored_once_wherever_a_batch_dies_and_whoever_leaves(
    sql_orders: SqlOrders,
    engine: AsyncEngine,
    pricing: Any,
    accounts: Any,
    wakeups: Any,
    wanted: list[tuple[str, NewOrder]],
    deaths: list[str],
    leaving: set[int],
) -> None:
    breaking = Breaking(engine, list(deaths))
    ordering = Ordering(breaking, pricing, accounts, wakeups, lambda: datetime.now(UTC))
    coalescer = Coalescer(ordering.place_many, size=3)
    items = of_run(uuid4().hex, wanted)
    tasks = [asyncio.create_task(_patient(coalescer, item)) for item in items]
    await asyncio.sleep(0)
    for number in leaving:
        if number < len(tasks):
            tasks[number].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    known = await sql_orders.by_keys({item.unique_key for item in items})
    for number, (item, outcome) in enumerate(zip(items, outcomes, strict=True)):
        if isinstance(outcome, Placed):
            assert known[item.unique_key].order.id == outcome.order.id
        else:
            assert isinstance(outcome, Exception | Refused | Failed) or number in leaving


async def _patient(coalescer: Coalescer[PlaceRequest, Outcome], item: PlaceRequest) -> Outcome | None:
    """A caller that comes again with the same key when its process's work was lost, as the contract asks."""
    for _ in range(8):
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                return await coalescer(item)
    return None
