"""Each field of an order crosses each border: REST, contract, domain, rows. A place that was forgotten fails here."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any
from uuid import UUID

import asyncpg
from monolith.database import Database, open_engine
from monolith.migrations import migrate
from monolith.order.service import LocalOrders, content_hash
from monolith.order.storage import OrderStorage
from monolith.order.watch import Watches
from order.domain import Account, Order, PricedLine, create_order, violations
from order.ports import Entry
from order.servicer import from_new_order, to_order
from order.storage import SqlOrders
from pydantic import BaseModel
from rest_api import models
from rest_api.remote.order import from_proto, to_proto
from strangler.gate import COLUMNS
from strangler.modules import MODULES
from tracing import Traces

from tests.support.postgres import Postgres

NEW_ORDER = models.NewOrder(
    customer_id="c-1", currency="EUR", lines=(models.Line(title_id="t-000001", quantity=2),)
)
ORDER = Order(
    id=UUID(int=7),
    customer_id="c-1",
    status="accepted",
    currency="EUR",
    lines=(PricedLine(title_id="t-000001", quantity=2, unit_price=Decimal("1.50"), total=Decimal("3.00")),),
    discount_percent=Decimal("2.5"),
    total=Decimal("2.93"),
    created_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
)


def empty_fields(value: Any) -> list[str]:
    """Paths of the fields without a value, in models, dataclasses as dictionaries and messages, down to the lines."""
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, BaseModel):
        members = {name: getattr(value, name) for name in type(value).model_fields}.items()
    else:
        members = {field.name: getattr(value, field.name) for field in value.DESCRIPTOR.fields}.items()
    found = [name for name, member in members if member in (None, "", 0) or not str(member)]
    for name, member in members:
        if name == "lines":
            found += [f"lines.{field}" for line in member for field in empty_fields(line)]
    return found


def test_the_examples_fill_every_field() -> None:
    assert empty_fields(NEW_ORDER) == empty_fields(asdict(ORDER)) == []


def test_a_new_order_reaches_the_domain_by_the_contract_with_every_field() -> None:
    message = to_proto(NEW_ORDER)
    assert empty_fields(message) == []
    assert asdict(from_new_order(message)) == NEW_ORDER.model_dump()


def test_an_order_reaches_rest_by_the_contract_with_every_field() -> None:
    message = to_order(ORDER)
    assert empty_fields(message) == []
    assert from_proto(message) == models.Order.model_validate(asdict(ORDER))


def test_an_order_has_every_field_of_the_new_order() -> None:
    new_order = from_new_order(to_proto(NEW_ORDER))
    order = create_order(ORDER.id, new_order, ORDER.lines, Account(), ORDER.created_at)
    given, created = asdict(new_order), asdict(order)
    assert {name: created[name] for name in given if name != "lines"} == {
        name: given[name] for name in given if name != "lines"
    }


def test_the_content_of_a_key_has_the_same_fields_on_both_sides() -> None:
    assert content_hash(NEW_ORDER) == from_new_order(to_proto(NEW_ORDER)).content_hash()


def test_the_service_refuses_what_is_too_long_for_rest() -> None:
    order = from_new_order(to_proto(NEW_ORDER))
    limits = {
        name: rule.max_length
        for name, field in models.NewOrder.model_fields.items()
        for rule in field.metadata
        if hasattr(rule, "max_length")
    }
    assert limits.keys() >= {"customer_id", "lines"}
    for name, limit in limits.items():
        longer = replace(order, **{name: getattr(order, name) * (limit + 1)})
        assert name in dict(violations("k", longer)), name


async def empty_columns(url: str) -> set[str]:
    """Columns of the orders and lines that are null or an empty text in some row."""
    connection = await asyncpg.connect(url)
    try:
        found = [
            *await connection.fetch("select * from orders"),
            *await connection.fetch("select * from order_lines"),
        ]
    finally:
        await connection.close()
    assert found
    return {name for row in found for name, value in row.items() if value in (None, "")}


async def test_the_service_stores_and_reads_every_field(postgres: Postgres) -> None:
    service = import_module("order.database")
    url = postgres.create("order")
    await service.migrate(url)
    async with service.database(url) as engine:
        placed = create_order(
            ORDER.id, from_new_order(to_proto(NEW_ORDER)), ORDER.lines, Account(), ORDER.created_at
        )
        await SqlOrders(engine).store([Entry("k", "hash", placed)])
        assert await SqlOrders(engine).get(placed.id) == placed
    assert await empty_columns(url) == set()


class FixedPricing:
    async def quote(self, basket: models.Basket) -> models.Quote:
        raise NotImplementedError

    async def batch_quote(self, baskets: Sequence[models.Basket]) -> list[models.Quote]:
        price = models.Money(amount=Decimal("1.50"), currency="EUR")
        lines = tuple(
            models.PricedLine(
                title_id=line.title_id,
                quantity=line.quantity,
                list_price=price,
                discount_percent=Decimal(0),
                unit_price=line.unit_price,
                total=line.total,
            )
            for line in ORDER.lines
        )
        return [
            models.Quote(
                currency="EUR", lines=lines, total=Decimal("3.00"), rate_date=ORDER.created_at.date()
            )
            for _ in baskets
        ]


async def test_the_monolith_stores_and_reads_every_field(postgres: Postgres) -> None:
    url = postgres.create("monolith")
    await migrate(url)
    engine = open_engine(url)
    try:
        database = Database(engine)
        orders = LocalOrders(OrderStorage(database), Watches(database), FixedPricing(), Traces())
        placed = (await orders.place("k", NEW_ORDER)).order
        assert await orders.get(placed.id) == placed
    finally:
        await engine.dispose()
    stored, wanted = placed.model_dump(), NEW_ORDER.model_dump(exclude={"lines"})
    assert {name: stored[name] for name in wanted} == wanted
    assert await empty_columns(url) == set()


async def test_both_sides_have_the_same_columns_in_every_table(postgres: Postgres) -> None:
    monolith_url = postgres.create("monolith")
    await migrate(monolith_url)
    for module in MODULES:
        url = postgres.create(module.name)
        await import_module(f"{module.name}.database").migrate(url)
        for table in module.tables:
            of_monolith, of_service = [
                await columns_of(table.name, database) for database in (monolith_url, url)
            ]
            assert of_monolith == of_service, table.name
            assert of_monolith


async def columns_of(table: str, url: str) -> dict[str, str]:
    """The type of each column."""
    connection = await asyncpg.connect(url)
    try:
        return dict(await connection.fetch(COLUMNS, table))
    finally:
        await connection.close()
