"""Neighbours: the catalogue and the reference rates."""

import asyncio
import time
from collections.abc import Callable, Sequence, Set
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from coalescing.cache import ShortCache
from figtree.currency.v1 import currency_pb2
from figtree.currency.v1.currency_pb2_grpc import CurrencyServiceStub
from figtree.title.v1 import title_pb2
from figtree.title.v1.title_pb2_grpc import TitleServiceStub
from grpc import StatusCode
from grpc.aio import AioRpcError, Channel
from service_kit.channel import answers_of

from pricing.domain import CatalogueAway, Rates, Titles, Unavailable

MAX_IDS = 1_000  # that one BatchGetTitles takes
MOST_SEEN = 200_000
ASKED_EVERY = 1.0  # seconds; an answer, or that there is none, holds so long
PATIENCE = 2.0  # seconds that a basket of titles seen before waits for the catalogue
# Any other status is an answer. CANCELLED: a server may reset a call at its deadline a moment before the caller.
SILENT = (StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.CANCELLED)


class RemoteCatalogue:
    """Titles of the title service, which never takes one back: a title that was seen exists.

    While quotes are wanted, the service is asked at least once a second. While it does not answer, titles seen before
    are known for `fallback` after its last answer, and `Titles.as_of` says so; nobody but the first waits for it. Where
    nothing is remembered, it is asked each time, so that a retry may succeed.
    """

    def __init__(
        self,
        channel: Channel,
        fallback: timedelta = timedelta(),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stub = TitleServiceStub(channel)
        self._recent = ShortCache(self._fetch, seconds=ASKED_EVERY, clock=clock)
        self._seen: set[str] = set()
        self._fallback = fallback
        self._clock = clock
        self._away = False
        self._until = 0.0  # by the clock, when the catalogue is to be asked again
        self._answered: tuple[float, datetime] | None = (
            None  # when it did last, by the clock and by the calendar
        )

    async def existing(self, title_ids: Set[str]) -> Titles:
        """Which of the ids exist. Raises CatalogueAway, or Unavailable if the catalogue answers with an error."""
        now = self._clock()
        if (not self._away and now < self._until and title_ids <= self._seen) or not title_ids:
            return Titles(title_ids)
        held = self._away and self._lasts() and not title_ids.isdisjoint(self._seen)
        if held and now < self._until:
            return self._remembered(title_ids)
        unseen = title_ids - self._seen
        patience = 0.0 if held else None if unseen else PATIENCE
        if not await self._answers(unseen or {next(iter(self._seen))}, patience):
            return self._remembered(title_ids)
        return Titles(title_ids - (unseen - self._seen))

    async def _answers(self, ids: Set[str], patience: float | None) -> bool:
        """Whether the catalogue answers for these ids in time; those that exist are seen from then on."""
        try:
            async with asyncio.timeout(patience):
                await self._recent.get(ids)
        except (CatalogueAway, TimeoutError):
            self._note(away=True)
            return False
        return True

    def _lasts(self) -> bool:
        """Whether the last answer is recent enough to price by."""
        return (
            self._answered is not None and self._clock() - self._answered[0] < self._fallback.total_seconds()
        )

    def _remembered(self, title_ids: Set[str]) -> Titles:
        if self._answered is None:
            raise CatalogueAway("the catalogue does not answer")
        at = self._answered[1]
        if not self._lasts():
            raise CatalogueAway(
                f"the catalogue has not answered since {at:%Y-%m-%d %H:%M:%S} UTC, and without it known titles are "
                f"priced for at most {self._fallback.total_seconds() / 60:g} minutes"
            )
        return Titles(title_ids & self._seen, title_ids - self._seen, at)

    def _note(self, *, away: bool) -> None:
        self._away, self._until = away, self._clock() + ASKED_EVERY

    async def _fetch(self, ids: Sequence[str]) -> dict[str, bool]:
        parts = (ids[i : i + MAX_IDS] for i in range(0, len(ids), MAX_IDS))
        try:
            with answers_of("title", Unavailable):
                answers = await asyncio.gather(
                    *(
                        self._stub.BatchGetTitles(title_pb2.BatchGetTitlesRequest(title_ids=part))
                        for part in parts
                    )
                )
        except Unavailable as error:
            if isinstance(error.__cause__, AioRpcError) and error.__cause__.code() in SILENT:
                self._note(away=True)
                raise CatalogueAway(str(error)) from error
            raise
        self._note(away=False)
        self._answered = self._clock(), datetime.now(UTC)
        found = {title.id: True for answer in answers for title in answer.titles}
        if len(self._seen) > MOST_SEEN:
            self._seen.clear()
        self._seen |= found.keys()
        return found


class RemoteExchange:
    """Rates of the currency service, kept for a second."""

    def __init__(self, channel: Channel) -> None:
        self._stub = CurrencyServiceStub(channel)
        self._known = ShortCache(self._fetch)

    async def latest(self) -> Rates:
        """The latest rates. Raises Unavailable."""
        return (await self._known.get(("latest",)))["latest"]

    async def _fetch(self, keys: Sequence[str]) -> dict[str, Rates]:
        with answers_of("currency", Unavailable):
            table = await self._stub.GetRates(currency_pb2.GetRatesRequest())
        rates = {rate.currency_code: Decimal(rate.rate.value) for rate in table.rates} | {"EUR": Decimal(1)}
        return dict.fromkeys(keys, Rates(date.fromisoformat(table.date), rates))
