"""The relay: events of the outbox go to the queue, and are marked when the queue has them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from order.domain import Event, NotTheWriter, Unavailable

log = logging.getLogger(__name__)

AT_ONCE = 500
GATHER = 0.1  # events of so many seconds share two statements; fulfilment waits longer than that anyway


class Outbox(Protocol):
    """The store of events that are to be published."""

    async def unpublished(self, most: int) -> Sequence[Event]:
        """The oldest events that are not published. Raises NotTheWriter."""
        ...

    async def mark(self, events: Sequence[Event]) -> None:
        """Remember that these are published."""
        ...

    async def requeue(self) -> None:
        """Publish the current event of every unfinished order again."""
        ...


class Wakeup:
    """Tells the relay that this process has written events; it finds those of other processes by polling."""

    def __init__(self) -> None:
        self._notified = asyncio.Event()

    def notify(self) -> None:
        """Events were written."""
        self._notified.set()

    async def wait(self, seconds: float) -> None:
        """Until notified, for at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._notified.wait()
        except TimeoutError:
            return
        self._notified.clear()


class Relay:
    """Publishes the events of the outbox, the oldest first."""

    def __init__(
        self, outbox: Outbox, wakeup: Wakeup, *, every: float = 0.5, rest: float = 1.0, at_once: int = AT_ONCE
    ) -> None:
        self._outbox = outbox
        self._wakeup = wakeup
        self._every = every
        self._rest = rest
        self._at_once = at_once
        self._failing = False

    async def requeue(self) -> None:
        """After the queue has lost everything; what another side writes is that side's to move."""
        try:
            await self._outbox.requeue()
        except NotTheWriter:
            log.info("unfinished orders are not ours to publish again")

    async def run(self, publish: Callable[[Sequence[Event]], Awaitable[None]]) -> None:
        """Until `publish` fails; troubles of the database are waited out."""
        while True:
            try:
                events = await self._outbox.unpublished(self._at_once)
                if events:
                    await publish(events)
                    await self._outbox.mark(events)
                self._failing = False
            except (NotTheWriter, Unavailable) as error:
                if not self._failing:
                    log.warning("the outbox rests: %s", error)
                self._failing = True
                await asyncio.sleep(self._rest)
                continue
            if len(events) < self._at_once:
                await self._wakeup.wait(self._every)
                await asyncio.sleep(GATHER)
