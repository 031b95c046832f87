"""Tables that were read a moment ago."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import date

from currency.domain import Found, Rate
from currency.service import Rates

SECONDS = 0.5  # another process's import is seen within the second that is promised
DAYS = 64


class CachedRates:
    """Reads each day at most twice a second, however many ask; a failure is not kept."""

    def __init__(self, rates: Rates, *, seconds: float = SECONDS, days: int = DAYS) -> None:
        self._rates = rates
        self._seconds = seconds
        self._days = days
        self._reads: dict[date | None, tuple[float, asyncio.Task[Found | None]]] = {}

    async def find(self, on: date | None) -> Found | None:
        now = time.monotonic()
        begun, read = self._reads.get(on, (0.0, None))
        if read is None or begun + self._seconds < now or (read.done() and not _good(read)):
            read = asyncio.create_task(self._rates.find(on))
            read.add_done_callback(_good)  # or asyncio reports a failure that nobody waited for
            self._reads.pop(on, None)
            self._reads[on] = now, read
            while len(self._reads) > self._days:
                self._reads.pop(next(iter(self._reads)))
        return await asyncio.shield(read)  # a caller that gives up does not take the others along

    async def put(self, batches: Iterable[Sequence[Rate]]) -> int:
        try:
            return await self._rates.put(batches)
        finally:
            self._reads.clear()


def _good(read: asyncio.Task[Found | None]) -> bool:
    return not read.cancelled() and read.exception() is None
