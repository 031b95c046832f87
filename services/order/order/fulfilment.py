"""Moves orders on: an event that has waited its time brings the next status."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import orjson
from opentelemetry.trace import SpanKind
from tracing import Started, Traces, begin

from order.domain import SEQUENCE, Event, NotTheWriter, Unavailable
from order.outbox import Wakeup

log = logging.getLogger(__name__)

AT_ONCE = 200
PATIENCE = 10  # deliveries of one event that cannot be handled
LONGEST_PAUSE = 30.0
GATHER = 0.1  # events that fall due within so many seconds share a statement


class Message(Protocol):
    """What the queue delivers; it delivers again what is not acknowledged."""

    data: bytes

    @property
    def trace(self) -> Mapping[str, str]:
        """The headers of the trace that the message belongs to."""
        ...

    @property
    def deliveries(self) -> int:
        """How often it was delivered, this time included."""
        ...

    async def done(self) -> None:
        """Acknowledge it."""
        ...

    async def later(self, seconds: float) -> None:
        """Have it delivered again after so many seconds."""
        ...

    async def drop(self) -> None:
        """Have it never delivered again."""
        ...


class Progress(Protocol):
    """The store of statuses."""

    async def advance(self, events: Sequence[Event], at: datetime) -> None:
        """Move each order on from the status that its event names."""
        ...


def written(event: Event) -> bytes:
    """The event as a message."""
    fields = {"order_id": str(event.order_id), "sequence": event.sequence, "status": event.status}
    return orjson.dumps(fields | {"at": event.at})


def read(data: bytes) -> Event:
    """Raises ValueError for anything that `written` did not make."""
    try:
        fields = orjson.loads(data)
        status, at = fields["status"], datetime.fromisoformat(fields["at"])
        if SEQUENCE.get(status) != fields["sequence"] or at.tzinfo is None:
            raise ValueError("no such step")
        return Event(UUID(fields["order_id"]), fields["sequence"], status, at)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not an event of an order: {error!r}") from error


Waiting = tuple[Message, Event, Started | None]  # the span lasts until the event is settled


class Fulfilment:
    """Takes events from the queue and moves their orders on when the delay is over."""

    def __init__(
        self,
        progress: Progress,
        wakeup: Wakeup,
        traces: Traces,
        *,
        delay: float,
        rest: float = 1.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._progress = progress
        self._wakeup = wakeup
        self._traces = traces
        self._delay = timedelta(seconds=delay)
        self._rest = rest
        self._now = now
        self._failing = False
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue(maxsize=10 * AT_ONCE)
        self._taken: set[Message] = set()  # and not yet settled

    async def take(self, next_message: Callable[[], Awaitable[Message]]) -> None:
        """Until `next_message` fails."""
        while True:
            message = await next_message()
            try:
                event = read(message.data)
            except ValueError as error:
                log.error("dropped: %s", error)
                await message.drop()
                continue
            started = begin(f"orders.{event.status} process", SpanKind.CONSUMER, message.trace)
            self._traces.remember([event.order_id], started.headers if started else message.trace)
            self._taken.add(message)
            await self._waiting.put((message, event, started))

    async def hand_back(self) -> None:
        """What was taken and not moved yet is delivered to another process at once, not when it misses our answer."""
        for message in tuple(self._taken):
            await message.later(0)
        self._taken.clear()

    async def move(self) -> None:
        """What was taken is moved whether its connection still stands or not."""
        head: Waiting | None = None
        while True:
            head = head or await self._waiting.get()
            await asyncio.sleep(self._seconds_to(head[1]))
            batch = [head]
            head = None
            while head is None and len(batch) < AT_ONCE and not self._waiting.empty():
                following = self._waiting.get_nowait()
                if self._seconds_to(following[1]) > 0:
                    head = following
                else:
                    batch.append(following)
            await self._move(batch)
            await asyncio.sleep(GATHER)

    def _seconds_to(self, event: Event) -> float:
        """A clock that runs ahead elsewhere makes nobody wait longer than the delay."""
        return min(
            max((event.at + self._delay - self._now()).total_seconds(), 0), self._delay.total_seconds()
        )

    async def _move(self, batch: Sequence[Waiting]) -> None:
        await self._settle(batch)
        self._taken.difference_update(message for message, _, _ in batch)
        for _, _, started in batch:
            if started is not None:
                started.end()

    async def _settle(self, batch: Sequence[Waiting]) -> None:
        try:
            await self._progress.advance([event for _, event, _ in batch], self._now())
        except (NotTheWriter, Unavailable) as error:
            if not self._failing:
                log.warning("fulfilment rests: %s", error)
            self._failing = True
            for message, _, _ in batch:
                await message.later(self._rest)
            await asyncio.sleep(self._rest)
        except Exception as error:
            if len(batch) > 1:
                for one in batch:
                    await self._settle([one])
            else:
                message, event, _ = batch[0]
                await self._give_up(message, event, error)
        else:
            self._failing = False
            for message, _, _ in batch:
                await message.done()
            self._wakeup.notify()

    async def _give_up(self, message: Message, event: Event, error: Exception) -> None:
        if message.deliveries >= PATIENCE:
            log.error("dropped: %s", event, exc_info=error)
            await message.drop()
        else:
            await message.later(min(2.0**message.deliveries, LONGEST_PAUSE))
