"""The use cases of rates, and what they need."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from common import jsonlines

from currency import domain
from currency.domain import Conversion, Found, InvalidRequest, Rate, Table

BATCH = 1_000


class Rates(Protocol):
    """The store of rates."""

    async def find(self, on: date | None) -> Found | None:
        """The newest table on or before that day, or of all; None if there are no rates at all."""
        ...

    async def put(self, batches: Iterable[Sequence[Rate]]) -> int:
        """Insert or replace all of them or none; how many they were."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """One conversion asked for."""

    amount: Decimal
    source: str
    target: str
    on: date | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """The use cases of rates."""

    rates: Rates

    async def table(self, on: date | None) -> Table:
        """The rates of a day, or the latest ones."""
        return domain.table_on(await self.rates.find(on), on)

    async def convert(self, wanted: Wanted) -> Conversion:
        """Convert an amount at the rates of a day, or at the latest ones."""
        return _convert(await self.table(wanted.on), wanted)

    async def batch_convert(self, wanted: Sequence[Wanted]) -> Sequence[Conversion]:
        """Each in its place. The first that fails, fails all and is named."""
        tables: dict[date | None, Table] = {}
        return [await self._one_of_many(place, one, tables) for place, one in enumerate(wanted)]

    async def _one_of_many(self, place: int, one: Wanted, tables: dict[date | None, Table]) -> Conversion:
        try:
            if one.on not in tables:
                tables[one.on] = await self.table(one.on)
            return _convert(tables[one.on], one)
        except InvalidRequest as error:
            raise error.inside(f"conversions[{place}]") from None

    async def load(self, lines: Iterable[bytes]) -> int:
        """Import JSON lines, all or none."""
        rates = jsonlines.read(lines, domain.rate_from, exact=True)
        return await self.rates.put(jsonlines.batches(rates, BATCH))


def _convert(table: Table, wanted: Wanted) -> Conversion:
    return domain.convert(table, wanted.amount, wanted.source, wanted.target)
