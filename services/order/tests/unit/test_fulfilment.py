import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from order.domain import Event, NotTheWriter
from order.fulfilment import Fulfilment, read, written
from order.outbox import Wakeup
from order.tasks import background
from tracing import Traces


class FakeMessage:
    def __init__(self, data: bytes, trace: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.trace = trace or {}
        self.deliveries = 1
        self.fate: list[str] = []

    async def done(self) -> None:
        self.fate.append("done")

    async def later(self, seconds: float) -> None:
        self.fate.append("later")

    async def drop(self) -> None:
        self.fate.append("dropped")


class FakeProgress:
    def __init__(self) -> None:
        self.moved: list[tuple[UUID, float]] = []
        self.poison: set[UUID] = set()
        self.is_fenced = False

    async def advance(self, events: Sequence[Event], at: datetime) -> None:
        if self.is_fenced:
            raise NotTheWriter
        if any(event.order_id in self.poison for event in events):
            raise RuntimeError("poison")
        self.moved += [(event.order_id, (at - event.at).total_seconds()) for event in events]


def event(age: float = 0.0, status: str = "placed", sequence: int = 1) -> Event:
    return Event(uuid4(), sequence, status, datetime.now(UTC) - timedelta(seconds=age))


@asynccontextmanager
async def fulfilling(
    progress: FakeProgress, traces: Traces, delay: float
) -> AsyncIterator[asyncio.Queue[Any]]:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    fulfilment = Fulfilment(progress, Wakeup(), traces, delay=delay, rest=0.01)
    async with background(fulfilment.take(queue.get)), background(fulfilment.move()):
        yield queue


async def until(condition: Any) -> None:
    async with asyncio.timeout(3):
        while not condition():
            await asyncio.sleep(0.005)


async def test_an_event_is_moved_after_its_delay_and_then_acknowledged() -> None:
    progress, young, old = FakeProgress(), event(), event(age=60)
    async with fulfilling(progress, Traces(), 1) as queue:
        messages = [FakeMessage(written(e)) for e in (old, young)]
        for message in messages:
            queue.put_nowait(message)
        await until(lambda: all(message.fate == ["done"] for message in messages))
    assert [order_id for order_id, _ in progress.moved] == [old.order_id, young.order_id]
    assert 1 <= progress.moved[1][1] < 2


async def test_what_a_process_leaves_unmoved_is_handed_back_at_once() -> None:
    progress, traces = FakeProgress(), Traces()
    fulfilment = Fulfilment(progress, Wakeup(), traces, delay=60)
    moved, waiting = FakeMessage(written(event(age=90))), FakeMessage(written(event()))
    queue: asyncio.Queue[Any] = asyncio.Queue()
    async with background(fulfilment.take(queue.get)), background(fulfilment.move()):
        queue.put_nowait(moved)
        queue.put_nowait(waiting)
        await until(lambda: moved.fate == ["done"] and queue.empty())
        await asyncio.sleep(0.05)
        await fulfilment.hand_back()
    assert (moved.fate, waiting.fate) == (["done"], ["later"])


async def test_nobody_waits_longer_than_the_delay_because_of_a_clock_that_runs_ahead() -> None:
    progress, message = FakeProgress(), FakeMessage(written(event(age=-3600)))
    async with fulfilling(progress, Traces(), 0.05) as queue:
        queue.put_nowait(message)
        await until(lambda: message.fate == ["done"])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b'{"order_id": 1, "sequence": 1, "status": "placed", "at": "2026-01-01T00:00:00Z"}',
        b'{"order_id": "x", "sequence": 2, "status": "placed", "at": "2026-01-01T00:00:00Z"}',
    ],
)
async def test_what_is_no_event_is_dropped_and_does_not_block(data: bytes) -> None:
    progress, poison, good = FakeProgress(), FakeMessage(data), FakeMessage(written(event(age=9)))
    async with fulfilling(progress, Traces(), 0.01) as queue:
        queue.put_nowait(poison)
        queue.put_nowait(good)
        await until(lambda: good.fate == ["done"])
    assert poison.fate == ["dropped"]


async def test_an_event_that_cannot_be_handled_fails_alone_and_is_given_up_in_the_end() -> None:
    progress, bad, good = FakeProgress(), event(age=9), event(age=9)
    progress.poison.add(bad.order_id)
    messages = [FakeMessage(written(e)) for e in (bad, good, bad)]
    messages[2].deliveries = 10
    async with fulfilling(progress, Traces(), 0.01) as queue:
        for message in messages:
            queue.put_nowait(message)
        await until(lambda: all(message.fate for message in messages))
    assert [message.fate for message in messages] == [["later"], ["done"], ["dropped"]]


async def test_behind_a_fence_events_come_again_later() -> None:
    progress, message = FakeProgress(), FakeMessage(written(event(age=9)))
    progress.is_fenced = True
    async with fulfilling(progress, Traces(), 0.01) as queue:
        queue.put_nowait(message)
        await until(lambda: message.fate == ["later"])
        progress.is_fenced = False
        queue.put_nowait(message)
        await until(lambda: message.fate == ["later", "done"])


async def test_the_trace_of_an_event_is_handed_on_to_the_next() -> None:
    traces, placed = Traces(), event(age=9)
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Nats-Msg-Id": "x"}
    message = FakeMessage(written(placed), trace)
    async with fulfilling(FakeProgress(), traces, 0.01) as queue:
        queue.put_nowait(message)
        await until(lambda: message.fate == ["done"])
    assert traces.of(placed.order_id) == {"traceparent": trace["traceparent"]}


def test_an_event_is_read_as_it_was_written() -> None:
    accepted = event(status="accepted", sequence=2)
    assert read(written(accepted)) == accepted
