"""Tables that were read a moment ago."""

from collections.abc import Iterable, Sequence
from datetime import date

from coalescing.cache import ShortCache

from currency.domain import Found, Rate
from currency.service import Rates

SECONDS = 0.5  # another process's import is seen within the second that is promised
DAYS = 64


class CachedRates:
    """Reads each day at most twice a second, however many ask; a failure is not kept."""

    def __init__(self, rates: Rates, *, seconds: float = SECONDS, days: int = DAYS) -> None:
        self._rates = rates
        self._found = ShortCache(self._read, seconds=seconds, size=days, most_refreshed=0)

    async def _read(self, days: Sequence[date | None]) -> dict[date | None, Found | None]:
        return {day: await self._rates.find(day) for day in days}

    async def find(self, on: date | None) -> Found | None:
        """As the store finds them, at most a second old."""
        return (await self._found.get([on]))[on]

    async def put(self, batches: Iterable[Sequence[Rate]]) -> int:
        """Store the rates, and forget what is kept."""
        try:
            return await self._rates.put(batches)
        finally:
            self._found.clear()
