"""Coalescing: calls that come at the same time become one batch."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from service_kit import context as call_context
from service_kit.context import CallContext
from tracing import is_sampled

T = TypeVar("T")
R = TypeVar("R")

WINDOW_SHARE = 0.25  # of the time that the last batch took
WINDOW_LIMIT = 0.01  # seconds


class Busy(Exception):
    """So many calls are waiting already that a further one would wait too long."""


@dataclass(frozen=True, slots=True)
class Waiting(Generic[T, R]):
    """A call that waits for its batch."""

    item: T
    answer: asyncio.Future[R]
    call: CallContext
    context: Context
    since: float


@dataclass(frozen=True, slots=True)
class Window:
    """A batch that stays open for more items; `full` is set when `size` of them wait."""

    size: int
    full: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Queue(Generic[T, R]):
    """Calls that may share a batch."""

    waiting: deque[Waiting[T, R]] = field(default_factory=deque)
    running: int = 0  # batches
    windows: list[Window] = field(default_factory=list)


class Coalescer(Generic[T, R]):
    """Collects items into batches, and hands each batch to `work`.

    A call that comes alone is handed on at once. While `concurrency` batches are being worked on, further items wait
    in a queue and become the next batch, of at most `size`. After a batch of several items, a window stays open until
    as many items are waiting again: for a quarter of the time that the batch took, and for at most 10 ms.

    Cancelling one caller does not cancel its batch. The first sampled call of a batch comes first in it, so that its
    trace shows every hop; the traces of the others end where they joined.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        size: int = 50,
        split_by: Sequence[str] = (),
        concurrency: int = 2,
        most: int = 1000,
        patience: float = 4.0,
    ) -> None:
        self._work = work
        self._size = size
        self._split_by = split_by
        self._concurrency = concurrency
        self._most = most
        self._patience = patience
        self._queues: dict[tuple[str | None, ...], Queue[T, R]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, item: T) -> R:
        """The item's result. Raises Busy if `most` are waiting, or one has been waiting for `patience` seconds."""
        call = call_context.current()
        name = tuple(call.headers.get(header) for header in self._split_by)
        queue = self._queues.setdefault(name, Queue())
        now = time.monotonic()
        if len(queue.waiting) >= self._most or (
            queue.waiting and now - queue.waiting[0].since > self._patience
        ):
            raise Busy("too many calls are waiting already")
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        queue.waiting.append(Waiting(item, answer, call, copy_context(), now))
        for window in queue.windows:
            if len(queue.waiting) >= window.size:
                window.full.set()
        if not queue.windows and queue.running < self._concurrency:
            queue.running += 1
            task = asyncio.create_task(self._run(name, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _run(self, name: tuple[str | None, ...], queue: Queue[T, R]) -> None:
        try:
            while batch := self._next(queue):
                begun = time.monotonic()
                await asyncio.create_task(self._answer(batch), context=batch[0].context)
                if len(batch) > 1:
                    await self._wait_for_more(queue, len(batch), time.monotonic() - begun)
        finally:
            queue.running -= 1
            if not queue.running and not queue.waiting:
                self._queues.pop(name, None)

    async def _wait_for_more(self, queue: Queue[T, R], size: int, took: float) -> None:
        if len(queue.waiting) >= size:
            return
        window = Window(size)
        queue.windows.append(window)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(took * WINDOW_SHARE, WINDOW_LIMIT)):
                    await window.full.wait()
        finally:
            queue.windows.remove(window)

    def _next(self, queue: Queue[T, R]) -> list[Waiting[T, R]]:
        batch: list[Waiting[T, R]] = []
        while queue.waiting and len(batch) < self._size:
            waiting = queue.waiting.popleft()
            if not waiting.answer.done():  # its caller is still there
                batch.append(waiting)
        leader = next((n for n, one in enumerate(batch) if _is_sampled(one.call)), 0)
        return [*batch[leader : leader + 1], *batch[:leader], *batch[leader + 1 :]]

    async def _answer(self, batch: Sequence[Waiting[T, R]]) -> None:
        """The deadline of a batch is the latest of its calls' deadlines; none, if one call has none."""
        deadlines = [one.call.deadline for one in batch]
        known = [deadline for deadline in deadlines if deadline is not None]
        seconds = max(known) - time.monotonic() if len(known) == len(deadlines) else None
        call_context.enter(batch[0].call.headers, seconds)
        try:
            results = await self._work([one.item for one in batch])
        except Exception as error:
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(error)
        else:
            for one, result in zip(batch, results, strict=True):
                if not one.answer.done():
                    one.answer.set_result(result)


def _is_sampled(call: CallContext) -> bool:
    return is_sampled(call.headers.get("traceparent", ""))
