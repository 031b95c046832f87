from collections.abc import Set
from datetime import date
from decimal import Decimal

import pytest
from pricing.database import database, migrate
from pricing.domain import RULESETS, ListPrice, PriceList, Rates, Unavailable
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
    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.is_down = False

    async def existing(self, title_ids: Set[str]) -> Set[str]:
        if self.is_down:
            raise Unavailable("title does not answer")
        return self.known & title_ids


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
