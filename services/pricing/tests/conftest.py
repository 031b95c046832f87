from collections.abc import Set
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pricing.database import database, migrate
from pricing.domain import RULESETS, CatalogueAway, ListPrice, PriceList, Rates, Titles
from pricing.service import Quoting
from pricing.storage import SqlPrices

from tests.support.postgres import emptied, migrated_database

BREAKS = {10: Decimal(5), 50: Decimal(10), 100: Decimal(15)}


class MemoryPrices:
    def __init__(self) -> None:
        self._prices: dict[str, ListPrice] = {}
        self._breaks: dict[int, Decimal] = {}

    async def find(self, title_ids: Set[str]) -> PriceList:
        found = {title_id: price for title_id, price in self._prices.items() if title_id in title_ids}
        return PriceList(found, dict(self._breaks))

    async def put_prices(self, prices: dict[str, ListPrice]) -> None:
        self._prices |= prices

    async def put_breaks(self, breaks: dict[int, Decimal]) -> None:
        self._breaks |= breaks


class MemoryCatalogue:
    """`remembered` are the titles that are known of a catalogue that is down; None if it is down for too long."""

    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.is_down = False
        self.remembered: set[str] | None = None
        self.as_of = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)

    async def existing(self, title_ids: Set[str]) -> Titles:
        if not self.is_down:
            return Titles(self.known & title_ids)
        if self.remembered is None:
            raise CatalogueAway("the catalogue does not answer")
        return Titles(title_ids & self.remembered, title_ids - self.remembered, self.as_of)


class MemoryExchange:
    def __init__(self, **per_euro: str) -> None:
        self.per_euro = {"EUR": Decimal(1)} | {code: Decimal(rate) for code, rate in per_euro.items()}

    async def latest(self) -> Rates:
        return Rates(date(2026, 11, 20), self.per_euro)


database_url = migrated_database("pricing", migrate)
sql_prices = emptied(database, SqlPrices, "list_prices", "price_breaks")


@pytest.fixture(params=["memory", "postgres"])
def prices(request: pytest.FixtureRequest) -> MemoryPrices | SqlPrices:
    if request.param == "memory":
        return MemoryPrices()
    found: SqlPrices = request.getfixturevalue("sql_prices")
    return found


@pytest.fixture
def catalogue() -> MemoryCatalogue:
    return MemoryCatalogue("t-1", "t-2", "t-3")


@pytest.fixture
async def quoting(catalogue: MemoryCatalogue) -> Quoting:
    """t-1 costs 10.05 EUR and t-2 22.00 USD; t-3 has no price."""
    prices = MemoryPrices()
    await prices.put_prices(
        {"t-1": ListPrice(Decimal("10.05"), "EUR"), "t-2": ListPrice(Decimal("22.00"), "USD")}
    )
    await prices.put_breaks(BREAKS)
    return Quoting(catalogue, MemoryExchange(USD="1.10", JPY="160.50"), prices, RULESETS["v1"])
