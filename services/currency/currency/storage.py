"""The table `rates` and its statements."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from database import writing
from sqlalchemy import Column, Date, MetaData, Numeric, Text, bindparam, func, select
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from currency import database
from currency.database import translating
from currency.domain import EURO, Found, Rate, Table

metadata = MetaData()
rates = SqlTable(
    "rates",
    metadata,
    Column("date", Date, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("rate", Numeric, nullable=False),
)

KNOWN = select(func.min(rates.c.date).label("first"), func.max(rates.c.date).label("last")).cte("known")
WANTED = func.coalesce(bindparam("on", type_=Date), KNOWN.c.last)
DAY = select(func.max(rates.c.date)).where(rates.c.date <= WANTED).scalar_subquery().correlate(KNOWN)
FIND = select(KNOWN.c.first, KNOWN.c.last, rates.c.date, rates.c.currency, rates.c.rate).select_from(
    KNOWN.outerjoin(rates, rates.c.date == DAY)
)

UPSERT = insert(rates)
UPSERT = UPSERT.on_conflict_do_update(
    index_elements=["date", "currency"], set_={"rate": UPSERT.excluded.rate}
)


class SqlRates:
    """Rates in PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, on: date | None) -> Found | None:
        """The rates of the day, or of the last banking day before it."""
        lines = await database.rows(self._engine, FIND, {"on": on})
        first, last, day = lines[0].first, lines[0].last, lines[0].date
        if first is None:
            return None
        if day is None:
            return Found(first, last, None)
        found = {EURO: Decimal(1)} | {row.currency: row.rate for row in lines}
        return Found(first, last, Table(day, dict(sorted(found.items()))))

    async def put(self, batches: Iterable[Sequence[Rate]]) -> int:
        """Insert or replace all rates or none; returns how many they were."""
        count = 0
        with translating():
            async with writing(self._engine).begin() as connection:
                for batch in batches:
                    rows = [{"date": r.date, "currency": r.currency, "rate": r.rate} for r in batch]
                    await connection.execute(UPSERT, rows)
                    count += len(batch)
        return count
