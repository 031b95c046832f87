"""Orders, their lines and their events in this service's own database; each call is one statement."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from order.database import rows
from order.domain import Event, Order, PricedLine
from order.ports import Entry, Key

SELECT = """
    select o.id, o.customer_id, o.idempotency_key, o.content_hash, o.status, o.currency, o.discount_percent,
           o.total, o.created_at, l.title_ids, l.quantities, l.unit_prices, l.totals
    from {source}
    cross join lateral (
        select array_agg(title_id order by line_number) as title_ids,
               array_agg(quantity order by line_number) as quantities,
               array_agg(unit_price order by line_number) as unit_prices,
               array_agg(total order by line_number) as totals
        from order_lines where order_id = o.id) l
    {rest}
"""
BY_ID = text(SELECT.format(source="orders o", rest="where o.id = :id"))
BY_KEYS = text(
    SELECT.format(
        source="""unnest(cast(:customers as text[]), cast(:keys as text[])) as k(customer_id, idempotency_key)
                  join orders o using (customer_id, idempotency_key)""",
        rest="",
    )
)
PAGE = "(select * from orders where {filter} id < :before order by id desc limit :most) o"
PAGE_OF_ALL = text(SELECT.format(source=PAGE.format(filter=""), rest="order by o.id desc"))
PAGE_OF_ONE = text(
    SELECT.format(source=PAGE.format(filter="customer_id = :customer and"), rest="order by o.id desc")
)
# All that write name the tables in the order orders, order_lines, order_events: so nobody waits in a circle.
STORE = text("""
    with stored as (
        insert into orders (id, customer_id, idempotency_key, content_hash, status, currency,
                            discount_percent, total, created_at, updated_at)
        select id, customer, key, hash, 'placed', currency, discount, total, at, at
        from unnest(cast(:ids as uuid[]), cast(:customers as text[]), cast(:keys as text[]),
                    cast(:hashes as text[]), cast(:currencies as text[]), cast(:discounts as numeric[]),
                    cast(:order_totals as numeric[]), cast(:ats as timestamptz[]))
             as wanted(id, customer, key, hash, currency, discount, total, at)
        order by customer, key
        on conflict (customer_id, idempotency_key) do nothing
        returning id, created_at
    ), lines as (
        insert into order_lines (order_id, line_number, title_id, quantity, unit_price, total)
        select order_id, line_number, title_id, quantity, unit_price, total
        from unnest(cast(:order_ids as uuid[]), cast(:line_numbers as int[]), cast(:title_ids as text[]),
                    cast(:quantities as int[]), cast(:unit_prices as numeric[]), cast(:totals as numeric[]))
             as wanted(order_id, line_number, title_id, quantity, unit_price, total)
        where order_id in (select id from stored)
    ), events as (
        insert into order_events (order_id, sequence, status, at)
        select id, 1, 'placed', created_at from stored
    )
    select id from stored
""")
EVENTS = text("""
    select o.id as order_id, e.sequence, e.status, e.at
    from orders o left join order_events e on e.order_id = o.id where o.id = :id order by e.sequence
""")
NEWS = text("""
    select e.order_id, e.sequence, e.status, e.at
    from unnest(cast(:ids as uuid[]), cast(:afters as int[])) as w(id, after)
    join order_events e on e.order_id = w.id and e.sequence > w.after
    order by e.order_id, e.sequence
""")
LAST = UUID(int=2**128 - 1)


class SqlOrders:
    """Orders in PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def by_keys(self, keys: Collection[Key]) -> Mapping[Key, Entry]:
        """The orders that are stored under these keys."""
        customers, names = [customer for customer, _ in keys], [key for _, key in keys]
        found = await rows(self._engine, BY_KEYS, {"customers": customers, "keys": names})
        return {entry.unique_key: entry for entry in map(_read_entry, found)}

    async def store(self, entries: Sequence[Entry]) -> set[UUID]:
        """Store all whose key is free; returns the ids of those. One that cannot be stored fails them all."""
        orders = [entry.order for entry in entries]
        lines = [(order.id, n, line) for order in orders for n, line in enumerate(order.lines, 1)]
        values = {
            "ids": [order.id for order in orders],
            "customers": [order.customer_id for order in orders],
            "keys": [entry.key for entry in entries],
            "hashes": [entry.content_hash for entry in entries],
            "currencies": [order.currency for order in orders],
            "discounts": [order.discount_percent for order in orders],
            "order_totals": [order.total for order in orders],
            "ats": [order.created_at for order in orders],
            "order_ids": [order_id for order_id, _, _ in lines],
            "line_numbers": [n for _, n, _ in lines],
            "title_ids": [line.title_id for _, _, line in lines],
            "quantities": [line.quantity for _, _, line in lines],
            "unit_prices": [line.unit_price for _, _, line in lines],
            "totals": [line.total for _, _, line in lines],
        }
        return {row.id for row in await rows(self._engine, STORE, values)}

    async def get(self, order_id: UUID) -> Order | None:
        """The order, or None."""
        found = await rows(self._engine, BY_ID, {"id": order_id})
        return _read_entry(found[0]).order if found else None

    async def page(self, customer_id: str, before: UUID | None, limit: int) -> list[Order]:
        """The newest first, older than `before`."""
        values: dict[str, object] = {"before": before or LAST, "most": limit}
        if customer_id:
            found = await rows(self._engine, PAGE_OF_ONE, values | {"customer": customer_id})
        else:
            found = await rows(self._engine, PAGE_OF_ALL, values)
        return [_read_entry(row).order for row in found]

    async def events(self, order_id: UUID) -> list[Event] | None:
        """All so far; None if there is no such order."""
        found = await rows(self._engine, EVENTS, {"id": order_id})
        return [read_event(row) for row in found if row.sequence is not None] if found else None

    async def news(self, after: Mapping[UUID, int]) -> list[Event]:
        """Events of these orders behind the sequence number given for each."""
        values = {"ids": list(after), "afters": list(after.values())}
        return [read_event(row) for row in await rows(self._engine, NEWS, values)]


def _read_entry(row: Any) -> Entry:
    columns = (row.title_ids or (), row.quantities or (), row.unit_prices or (), row.totals or ())
    lines = tuple(
        PricedLine(title_id=title_id, quantity=quantity, unit_price=unit_price, total=total)
        for title_id, quantity, unit_price, total in zip(*columns, strict=True)
    )
    order = Order(
        id=row.id,
        customer_id=row.customer_id,
        status=row.status,
        currency=row.currency,
        lines=lines,
        discount_percent=row.discount_percent,
        total=row.total,
        created_at=row.created_at,
    )
    return Entry(key=row.idempotency_key, content_hash=row.content_hash, order=order)


def read_event(row: Any) -> Event:
    """One row of order_events."""
    return Event(order_id=row.order_id, sequence=row.sequence, status=row.status, at=row.at)
