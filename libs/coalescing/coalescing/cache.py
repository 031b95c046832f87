"""Responses of another service, kept for a second at most."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from service_kit import context as call_context

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MOST_REFRESHED = 100  # keys that are fetched anew together with missing ones


@dataclass(slots=True)
class Kept(Generic[K, V]):
    """One key's entry: the fetch that brings its value, and when it expires."""

    task: asyncio.Task[Mapping[K, V]]
    until: float
    used: bool = False  # by anyone but those who sent for it


class ShortCache(Generic[K, V]):
    """A bounded cache with an expiry, in which several callers that miss a key share one fetch.

    Cancelling a caller, or its deadline, does not end the fetch that others wait for. A fetch also refreshes keys
    that are in use and have reached half of their time, so that many keys do not mean many fetches.
    """

    def __init__(
        self,
        fetch: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]],
        *,
        seconds: float = 1.0,
        size: int = 20_000,
        most_refreshed: int = MOST_REFRESHED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._size = size
        self._most_refreshed = most_refreshed
        self._clock = clock
        self._entries: dict[K, Kept[K, V]] = {}

    async def get(self, keys: Collection[K]) -> dict[K, V]:
        """What exists among the keys."""
        now = self._clock()
        self._forget(now)
        missing = [key for key in keys if not self._fresh(key, now)]
        if missing:
            self._start(missing, list(islice(self._ageing(now), self._most_refreshed)), now + self._seconds)
        tasks = {key: self._entries[key].task for key in keys}
        self._evict()
        await asyncio.gather(*(asyncio.shield(task) for task in set(tasks.values())))
        return {key: task.result()[key] for key, task in tasks.items() if key in task.result()}

    def clear(self) -> None:
        """Keep nothing, neither of what is fetched at this moment."""
        self._entries = {}

    def _forget(self, now: float) -> None:
        """The dictionary's order is that of age."""
        while (first := next(iter(self._entries), None)) is not None and self._entries[first].until <= now:
            del self._entries[first]

    def _fresh(self, key: K, now: float) -> bool:
        entry = self._entries.get(key)
        if entry is None or now >= entry.until:
            return False
        entry.used = True
        return True

    def _ageing(self, now: float) -> Iterator[K]:
        for key, entry in self._entries.items():
            if entry.until - now > self._seconds / 2:
                return
            if entry.used and entry.task.done():
                entry.used = False  # one refresh is enough
                yield key

    def _start(self, missing: list[K], refreshed: list[K], until: float) -> None:
        task = asyncio.create_task(self._fetched([*missing, *refreshed]))
        self._keep(missing, task, until)
        entries = self._entries
        task.add_done_callback(
            lambda done: self._store(missing, refreshed, done, until) if entries is self._entries else None
        )

    def _keep(self, keys: list[K], task: asyncio.Task[Mapping[K, V]], until: float) -> None:
        for key in keys:
            self._entries.pop(key, None)
            self._entries[key] = Kept(task, until)

    async def _fetched(self, keys: list[K]) -> Mapping[K, V]:
        call_context.enter(call_context.current().headers, None)
        return await self._fetch(keys)

    def _store(
        self, missing: list[K], refreshed: list[K], task: asyncio.Task[Mapping[K, V]], until: float
    ) -> None:
        """A fetch that fails removes no answer that is still valid."""
        if not task.cancelled() and task.exception() is None:
            self._keep(refreshed, task, until)
            return
        for key in missing:
            if (entry := self._entries.get(key)) and entry.task is task:
                del self._entries[key]

    def _evict(self) -> None:
        while len(self._entries) > self._size:
            del self._entries[next(iter(self._entries))]
