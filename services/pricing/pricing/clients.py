"""Neighbours: the catalogue and the reference rates."""

import asyncio
from collections.abc import Sequence, Set
from datetime import date
from decimal import Decimal

from coalescing.cache import ShortCache
from figtree.currency.v1 import currency_pb2
from figtree.currency.v1.currency_pb2_grpc import CurrencyServiceStub
from figtree.title.v1 import title_pb2
from figtree.title.v1.title_pb2_grpc import TitleServiceStub
from grpc.aio import Channel
from service_kit.channel import answers_of

from pricing.domain import Rates, Unavailable

MAX_IDS = 1_000  # that one BatchGetTitles takes
MOST_SEEN = 200_000


class RemoteCatalogue:
    """Titles of the title service."""

    def __init__(self, channel: Channel) -> None:
        self._stub = TitleServiceStub(channel)
        self._recent = ShortCache(self._fetch)
        self._seen: set[str] = set()

    async def existing(self, title_ids: Set[str]) -> Set[str]:
        """The catalogue never takes a title back, so one that was seen is known; others are asked for each second."""
        unseen = title_ids - self._seen
        if not unseen:
            return title_ids
        found = (await self._recent.get(unseen)).keys()
        if len(self._seen) > MOST_SEEN:
            self._seen.clear()
        self._seen |= found
        return title_ids - (unseen - found)

    async def _fetch(self, ids: Sequence[str]) -> dict[str, bool]:
        parts = (ids[i : i + MAX_IDS] for i in range(0, len(ids), MAX_IDS))
        with answers_of("title", Unavailable):
            answers = await asyncio.gather(
                *(
                    self._stub.BatchGetTitles(title_pb2.BatchGetTitlesRequest(title_ids=part))
                    for part in parts
                )
            )
        return {title.id: True for answer in answers for title in answer.titles}


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
