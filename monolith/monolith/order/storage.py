"""The order tables, one statement per call."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from common.money import at_smallest_unit
from rest_api.models import Order, OrderLine
from sqlalchemy import Row, text

from monolith.database import Database

# Lines come as one array per column: one row per order, and no second query.
SELECT = """
    select o.id, o.customer_id, o.idempotency_key, o.content_hash, o.status, o.currency, o.discount_percent,
           o.total, o.created_at, l.title_ids, l.quantities, l.unit_prices, l.totals
    from {} cross join lateral (
        select array_agg(title_id order by line_number) as title_ids,
               array_agg(quantity order by line_number) as quantities,
               array_agg(unit_price order by line_number) as unit_prices,
               array_agg(total order by line_number) as totals
        from order_lines where order_id = o.id
    ) l {}
"""
PAGE = "(select * from orders where {} and id < :before order by id desc limit :most) o"

BY_ID = text(SELECT.format("orders o", "where o.id = :id"))
BY_KEYS = text(
    SELECT.format(
        "unnest(cast(:customers as text[]), cast(:keys as text[])) k(customer_id, idempotency_key) "
        "join orders o using (customer_id, idempotency_key)",
        "",
    )
)
PAGE_OF_ALL = text(SELECT.format(PAGE.format("true"), "order by o.id desc"))
PAGE_OF_CUSTOMER = text(SELECT.format(PAGE.format("customer_id = :customer"), "order by o.id desc"))

# The order of the three inserts is the order in which a fence locks the tables.
STORE = text("""
    with stored as (
        insert into orders (id, customer_id, idempotency_key, content_hash, status, currency,
                            discount_percent, total, created_at, updated_at)
        select id, customer_id, key, hash, 'placed', currency, 0, total, now(), now()
        from unnest(cast(:ids as uuid[]), cast(:customers as text[]), cast(:keys as text[]),
                    cast(:hashes as text[]), cast(:currencies as text[]), cast(:order_totals as numeric[]))
             as wanted(id, customer_id, key, hash, currency, total)
        order by customer_id, key
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
    select id, created_at from stored
""")

LAST = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Draft:
    """A priced order that is not stored yet."""

    id: UUID
    customer_id: str
    key: str
    content_hash: str
    currency: str
    lines: Sequence[OrderLine]
    total: Decimal


@dataclass(frozen=True, slots=True)
class Stored:
    """An order with its idempotency key and the hash of what was asked for."""

    order: Order
    key: str
    content_hash: str


class OrderStorage:
    """The tables of orders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, order_id: UUID) -> Order | None:
        """The order, or None."""
        found = await self._database.rows(BY_ID, {"id": order_id})
        return _read_stored(found[0]).order if found else None

    async def by_keys(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        """The orders stored under these pairs of customer and idempotency key."""
        customers, names = zip(*keys, strict=True)
        found = await self._database.rows(BY_KEYS, {"customers": customers, "keys": names})
        return {(s.order.customer_id, s.key): s for s in map(_read_stored, found)}

    async def page(self, customer_id: str, before: UUID, most: int) -> list[Order]:
        """At most `most` orders older than `before`, the newest first."""
        values = {"before": before, "most": most, "customer": customer_id}
        if customer_id:
            found = await self._database.rows(PAGE_OF_CUSTOMER, values)
        else:
            del values["customer"]
            found = await self._database.rows(PAGE_OF_ALL, values)
        return [_read_stored(row).order for row in found]

    async def store(self, drafts: Sequence[Draft]) -> dict[UUID, Order]:
        """Those that were stored; one whose key is taken is left out."""
        lines = [(d.id, number, line) for d in drafts for number, line in enumerate(d.lines, 1)]
        found = await self._database.rows(
            STORE,
            {
                "ids": [d.id for d in drafts],
                "customers": [d.customer_id for d in drafts],
                "keys": [d.key for d in drafts],
                "hashes": [d.content_hash for d in drafts],
                "currencies": [d.currency for d in drafts],
                "order_totals": [d.total for d in drafts],
                "order_ids": [order_id for order_id, _, _ in lines],
                "line_numbers": [number for _, number, _ in lines],
                "title_ids": [line.title_id for _, _, line in lines],
                "quantities": [line.quantity for _, _, line in lines],
                "unit_prices": [line.unit_price for _, _, line in lines],
                "totals": [line.total for _, _, line in lines],
            },
        )
        created = {row.id: row.created_at for row in found}
        return {d.id: _as_stored(d, created[d.id]) for d in drafts if d.id in created}


def _as_stored(draft: Draft, created_at: datetime) -> Order:
    return Order(
        id=draft.id,
        customer_id=draft.customer_id,
        status="placed",
        currency=draft.currency,
        lines=tuple(draft.lines),
        discount_percent=Decimal(0),
        total=draft.total,
        created_at=created_at,
    )


def _read_stored(row: Row[Any]) -> Stored:
    columns = (row.title_ids or (), row.quantities or (), row.unit_prices or (), row.totals or ())
    lines = tuple(
        OrderLine(
            title_id=title_id,
            quantity=quantity,
            unit_price=at_smallest_unit(unit_price, row.currency),
            total=at_smallest_unit(total, row.currency),
        )
        for title_id, quantity, unit_price, total in zip(*columns, strict=True)
    )
    order = Order(
        id=row.id,
        customer_id=row.customer_id,
        status=row.status,
        currency=row.currency,
        lines=lines,
        discount_percent=row.discount_percent,
        total=at_smallest_unit(row.total, row.currency),
        created_at=row.created_at,
    )
    return Stored(order=order, key=row.idempotency_key, content_hash=row.content_hash)
