"""What PostgreSQL alone can show: fences, dead connections, the outbox, the tables' size in statements."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from order.database import database, migrate
from order.domain import Event, NotTheWriter, Order, PricedLine, Unavailable
from order.ports import Entry
from order.progress import SqlProgress
from order.storage import SqlOrders
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from tests.support.postgres import HANG_UP, Postgres


def entry(key: str = "k", customer: str = "c") -> Entry:
    lines = tuple(PricedLine(f"t-{n}", n, Decimal("0.50"), n * Decimal("0.50")) for n in (2, 1))
    now = datetime.now(UTC)
    return Entry(
        key, "hash", Order(uuid7(), customer, "placed", "EUR", lines, Decimal(0), Decimal("1.50"), now)
    )


@pytest.fixture
def progress(engine: AsyncEngine) -> SqlProgress:
    return SqlProgress(engine)


async def stored(orders: SqlOrders, *entries: Entry) -> list[UUID]:
    ids = [e.order.id for e in entries]
    assert await orders.store(entries) == set(ids)
    return ids


async def statuses(orders: SqlOrders, order_id: UUID) -> list[tuple[int, str]]:
    return [(e.sequence, e.status) for e in await orders.events(order_id) or ()]


async def test_lines_keep_their_order_and_amounts_their_decimals(sql_orders: SqlOrders) -> None:
    kept = entry()
    await stored(sql_orders, kept)
    found = await sql_orders.get(kept.order.id)
    assert found == kept.order
    assert [str(line.total) for line in found.lines] == ["1.00", "0.50"]


async def test_one_statement_stores_any_number_of_orders(sql_orders: SqlOrders, engine: AsyncEngine) -> None:
    statements: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    await stored(sql_orders, *(entry(f"k{n}") for n in range(100)))
    assert len(statements) == 1


async def test_a_key_that_is_taken_is_left_alone(sql_orders: SqlOrders) -> None:
    first, second, third = entry(), entry(), entry("k2")
    await stored(sql_orders, first)
    assert await sql_orders.store([second, third]) == {third.order.id}
    assert await sql_orders.get(second.order.id) is None
    assert await sql_orders.events(second.order.id) is None


async def test_an_order_moves_only_from_the_status_that_the_event_names(
    sql_orders: SqlOrders, progress: SqlProgress
) -> None:
    (order_id,) = await stored(sql_orders, entry())
    now = datetime.now(UTC)
    placed, accepted, shipped = (
        Event(order_id, n, status, now) for n, status in enumerate(("placed", "accepted", "shipped"), 1)
    )
    await progress.advance([accepted], now)
    assert await statuses(sql_orders, order_id) == [(1, "placed")]
    for _ in range(2):
        await progress.advance([placed, placed], now)
        assert await statuses(sql_orders, order_id) == [(1, "placed"), (2, "accepted")]
    await progress.advance([accepted], now)
    await progress.advance([placed, accepted, shipped], now)
    assert await statuses(sql_orders, order_id) == [(1, "placed"), (2, "accepted"), (3, "shipped")]
    order = await sql_orders.get(order_id)
    assert order is not None
    assert order.status == "shipped"


async def test_an_event_of_an_order_that_is_gone_moves_nothing(progress: SqlProgress) -> None:
    await progress.advance([Event(uuid7(), 1, "placed", datetime.now(UTC))], datetime.now(UTC))


async def test_the_outbox_gives_each_event_until_it_is_marked(
    sql_orders: SqlOrders, progress: SqlProgress
) -> None:
    first, second = await stored(sql_orders, entry("a")), await stored(sql_orders, entry("b"))
    events = await progress.unpublished(10)
    assert [(e.order_id, e.sequence, e.status) for e in events] == [(i, 1, "placed") for i in first + second]
    assert len(await progress.unpublished(1)) == 1
    await progress.mark(events[:1])
    assert [e.order_id for e in await progress.unpublished(10)] == second


async def test_a_lost_queue_gets_the_current_event_of_each_unfinished_order_again(
    sql_orders: SqlOrders, progress: SqlProgress
) -> None:
    waiting, moved, ended = await stored(sql_orders, entry("a"), entry("b"), entry("c"))
    now = datetime.now(UTC)
    await progress.advance([Event(i, 1, "placed", now) for i in (moved, ended)], now)
    await progress.advance([Event(ended, 2, "accepted", now)], now)
    await progress.mark(await progress.unpublished(10))
    await progress.requeue()
    found = {(e.order_id, e.sequence) for e in await progress.unpublished(10)}
    assert found == {(waiting, 1), (moved, 2)}


async def test_behind_a_fence_nothing_is_stored_published_or_moved(
    sql_orders: SqlOrders, progress: SqlProgress, fenced: Any
) -> None:
    kept = entry()
    now = datetime.now(UTC)
    placed = Event(kept.order.id, 1, "placed", now)
    writes: list[Callable[[], Awaitable[Any]]] = [
        lambda: sql_orders.store([kept]),
        lambda: progress.unpublished(10),
        lambda: progress.mark([placed]),
        lambda: progress.advance([placed], now),
        progress.requeue,
    ]
    for write in writes:
        with pytest.raises(NotTheWriter):
            await write()
    assert await sql_orders.by_keys([("c", "k")]) == {}
    await fenced.take_away()
    for write in writes:
        await write()
    assert await statuses(sql_orders, kept.order.id) == [(1, "placed"), (2, "accepted")]


async def test_a_database_that_is_away_is_unavailable() -> None:
    async with database("postgresql://nobody:x@127.0.0.1:1/none") as engine:
        with pytest.raises(Unavailable):
            await SqlOrders(engine).get(uuid7())


async def test_a_connection_that_died_is_replaced(
    sql_orders: SqlOrders, database_url: str, engine: AsyncEngine
) -> None:
    await sql_orders.get(uuid7())
    async with database(database_url) as other, other.connect() as connection:
        await connection.execute(text(HANG_UP))
    await stored(sql_orders, entry())


async def test_the_migration_goes_up_down_and_up(postgres: Postgres) -> None:
    url = postgres.create("orders_stairs")
    for revision in ("head", "base", "head", "head"):
        await migrate(url, revision)
