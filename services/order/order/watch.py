"""Events as they happen: however many orders are watched, the process asks the database once per interval."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from order.domain import SHIPPED, Event, UnknownOrder

log = logging.getLogger(__name__)


class Source(Protocol):
    """The store of events."""

    async def events(self, order_id: UUID) -> Sequence[Event] | None:
        """All events of an order; None if there is no such order."""
        ...

    async def news(self, after: Mapping[UUID, int]) -> Sequence[Event]:
        """Events behind the given sequence number of each order."""
        ...


class _Watcher:
    def __init__(self, order_id: UUID, seen: int) -> None:
        self.order_id = order_id
        self.seen = seen
        self.events: asyncio.Queue[Event] = asyncio.Queue()

    def tell(self, event: Event) -> None:
        if event.order_id == self.order_id and event.sequence > self.seen:
            self.seen = event.sequence
            self.events.put_nowait(event)


class Watches:
    """Watchers of orders, who share one query per interval."""

    def __init__(self, source: Source, *, interval: float = 0.1) -> None:
        self._source = source
        self._interval = interval
        self._watchers: dict[UUID, set[_Watcher]] = {}
        self._polling: asyncio.Task[None] | None = None

    async def events(self, order_id: str, after_sequence: int) -> AsyncIterator[Event]:
        """Events behind `after_sequence` until the last; UnknownOrder before the first."""
        try:
            so_far = await self._source.events(UUID(order_id))
        except ValueError:
            so_far = None
        if so_far is None:
            raise UnknownOrder(order_id)
        watcher = _Watcher(UUID(order_id), 0)
        for event in so_far:
            watcher.tell(event)
        self._watchers.setdefault(watcher.order_id, set()).add(watcher)
        try:
            while True:
                if watcher.events.empty():
                    self._poll()
                event = await watcher.events.get()
                if event.sequence > after_sequence:
                    yield event
                if event.status == SHIPPED:
                    return
        finally:
            self._forget(watcher)

    def _forget(self, watcher: _Watcher) -> None:
        others = self._watchers.get(watcher.order_id, set())
        others.discard(watcher)
        if not others:
            self._watchers.pop(watcher.order_id, None)

    def _poll(self) -> None:
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._ask_while_watched())

    async def _ask_while_watched(self) -> None:
        failing = False
        while self._watchers:
            after = {order_id: min(w.seen for w in ws) for order_id, ws in self._watchers.items()}
            try:
                news = await self._source.news(after)
                failing = False
            except Exception:
                if not failing:
                    log.exception("watched orders cannot be read, trying on")
                failing, news = True, ()
            for event in news:
                for watcher in self._watchers.get(event.order_id, ()):
                    watcher.tell(event)
            await asyncio.sleep(self._interval)

    async def close(self) -> None:
        """Stop asking the database."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)
