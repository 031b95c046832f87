from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

import pytest
from currency.cache import CachedRates
from currency.database import database, migrate
from currency.domain import Found, Rate, Table
from currency.service import Rates
from currency.storage import SqlRates

from tests.support.postgres import emptied, migrated_database


class MemoryRates:
    def __init__(self) -> None:
        self._rates: dict[tuple[date, str], Decimal] = {}
        self.reads = 0

    async def find(self, on: date | None) -> Found | None:
        self.reads += 1
        days = sorted({day for day, _ in self._rates})
        if not days:
            return None
        known = [day for day in days if on is None or day <= on]
        if not known:
            return Found(days[0], days[-1], None)
        found = {code: rate for (day, code), rate in self._rates.items() if day == known[-1]}
        rates = dict(sorted((found | {"EUR": Decimal(1)}).items()))
        return Found(days[0], days[-1], Table(known[-1], rates))

    async def put(self, batches: Iterable[Sequence[Rate]]) -> int:
        found = [rate for batch in batches for rate in batch]
        self._rates |= {(rate.date, rate.currency): rate.rate for rate in found}
        return len(found)


database_url = migrated_database("currency", migrate)
sql_rates = emptied(database, SqlRates, "rates")


@pytest.fixture
def memory() -> MemoryRates:
    return MemoryRates()


@pytest.fixture(params=["memory", "postgres", "cached"])
def rates(request: pytest.FixtureRequest, memory: MemoryRates) -> Rates:
    if request.param == "memory":
        return memory
    sql: SqlRates = request.getfixturevalue("sql_rates")
    return CachedRates(sql) if request.param == "cached" else sql


@pytest.fixture
def history() -> list[Rate]:
    """A Thursday, the Friday before Easter Monday left out, and a Friday at the end."""
    return [
        Rate(date(2026, 4, 2), "USD", Decimal("1.1500")),
        Rate(date(2026, 4, 2), "JPY", Decimal("170.25")),
        Rate(date(2026, 4, 7), "USD", Decimal("1.1600")),
        Rate(date(2026, 4, 10), "USD", Decimal("1.1700")),
        Rate(date(2026, 4, 10), "GBP", Decimal("0.86515")),
        Rate(date(2026, 4, 10), "JPY", Decimal("171.00")),
    ]
