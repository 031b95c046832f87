import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence, Set
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from order.database import database, migrate
from order.domain import (
    Account,
    CatalogueAway,
    Degraded,
    Event,
    InvalidOrder,
    NewOrder,
    NotTheWriter,
    Order,
    Priced,
    PricedLine,
    Unavailable,
)
from order.ports import Entry, Key
from order.service import Ordering
from order.storage import SqlOrders
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.postgres import emptied, migrated_database


class MemoryOrders:
    def __init__(self) -> None:
        self.entries: dict[Key, Entry] = {}
        self.is_down = False
        self.is_fenced = False
        self.breaks_on = ""

    async def by_keys(self, keys: Collection[Key]) -> Mapping[Key, Entry]:
        if self.is_down:
            raise Unavailable("the database does not answer")
        return {key: self.entries[key] for key in keys if key in self.entries}

    async def store(self, entries: Sequence[Entry]) -> Set[UUID]:
        if self.is_down:
            raise Unavailable("the database does not answer")
        if self.is_fenced:
            raise NotTheWriter
        if any(entry.key == self.breaks_on for entry in entries):
            raise RuntimeError("cannot be stored")
        stored = set()
        for entry in entries:
            key = (entry.order.customer_id, entry.key)
            if key not in self.entries:
                self.entries[key] = entry
                stored.add(entry.order.id)
        return stored

    async def get(self, order_id: UUID) -> Order | None:
        return next((e.order for e in self.entries.values() if e.order.id == order_id), None)

    async def page(self, customer_id: str, before: UUID | None, limit: int) -> Sequence[Order]:
        found = [
            entry.order
            for entry in self.entries.values()
            if customer_id in ("", entry.order.customer_id) and (before is None or entry.order.id < before)
        ]
        return sorted(found, key=lambda order: order.id, reverse=True)[:limit]

    async def events(self, order_id: UUID) -> list[Event] | None:
        order = await self.get(order_id)
        return [Event(order_id, 1, "placed", order.created_at)] if order else None

    async def news(self, after: Mapping[UUID, int]) -> list[Event]:
        found = [await self.events(order_id) for order_id in after]
        return [e for events in found for e in events or () if e.sequence > after[e.order_id]]


class FixedPricing:
    """Everything costs 10.00; there is no title called `none`, and without the catalogue no price of `new`."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.is_down = False
        self.degraded: Degraded | None = None

    async def price(self, orders: Sequence[NewOrder]) -> list[Priced | InvalidOrder | CatalogueAway]:
        self.calls.append(len(orders))
        if self.is_down:
            raise Unavailable("pricing does not answer")
        await asyncio.sleep(0)
        return [self._priced(order) for order in orders]

    def _priced(self, order: NewOrder) -> Priced | InvalidOrder | CatalogueAway:
        if self.degraded and any(line.title_id == "new" for line in order.lines):
            return CatalogueAway("the catalogue does not answer, and has not confirmed new before")
        if wrong := [i for i, line in enumerate(order.lines) if line.title_id == "none"]:
            return InvalidOrder([(f"lines[{i}].title_id", "there is no title none") for i in wrong])
        price = Decimal("10.00")
        lines = tuple(PricedLine(x.title_id, x.quantity, price, price * x.quantity) for x in order.lines)
        return Priced(lines, self.degraded)


class FixedAccounts:
    """`gold` has 10 % off and may order for 1000.00 EUR at once."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    async def find(self, customer_ids: Set[str]) -> Mapping[str, Account]:
        self.calls.append(sorted(customer_ids))
        gold = Account(Decimal(10), Decimal("1000.00"), "EUR")
        return {"gold": gold} if "gold" in customer_ids else {}


class CountedWakeups:
    """Called when the relay is to publish events."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


database_url = migrated_database("orders", migrate)
engine = emptied(database, lambda engine: engine, "orders", "order_lines", "order_events")


class Fence:
    """What the strangler does to the tables of the side that is not to write."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def put_up(self) -> None:
        async with self._engine.connect() as connection:
            await connection.execute(
                text("""create function fence() returns trigger language plpgsql as
                        $$ begin raise exception 'fenced' using errcode = 'FT001'; end $$""")
            )
            for table in ("orders", "order_lines", "order_events"):
                await connection.execute(
                    text(
                        f"create trigger fence before insert or update or delete on {table} "
                        "for each statement execute function fence()"
                    )
                )

    async def take_away(self) -> None:
        async with self._engine.connect() as connection:
            await connection.execute(text("drop function if exists fence cascade"))


@pytest.fixture
async def fenced(engine: AsyncEngine) -> AsyncIterator[Fence]:
    fence = Fence(engine)
    await fence.put_up()
    yield fence
    await fence.take_away()


@pytest.fixture
def sql_orders(engine: AsyncEngine) -> SqlOrders:
    return SqlOrders(engine)


@pytest.fixture
def memory() -> MemoryOrders:
    return MemoryOrders()


@pytest.fixture(params=["memory", "postgres"])
def orders(request: pytest.FixtureRequest) -> MemoryOrders | SqlOrders:
    found: MemoryOrders | SqlOrders = request.getfixturevalue(
        "memory" if request.param == "memory" else "sql_orders"
    )
    return found


@pytest.fixture
def pricing() -> FixedPricing:
    return FixedPricing()


@pytest.fixture
def accounts() -> FixedAccounts:
    return FixedAccounts()


@pytest.fixture
def wakeups() -> CountedWakeups:
    return CountedWakeups()


@pytest.fixture
def ordering(
    orders: MemoryOrders | SqlOrders,
    pricing: FixedPricing,
    accounts: FixedAccounts,
    wakeups: CountedWakeups,
) -> Ordering:
    return Ordering(orders, pricing, accounts, wakeups, lambda: datetime.now(UTC))
