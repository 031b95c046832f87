"""Calls that come at the same time share one piece of work; a call that comes alone waits for nobody."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from chassis import context as call_context
from chassis.context import CallContext

T = TypeVar("T")
R = TypeVar("R")

ROUTED_BY = (
    "x-environment",
    "x-figtree-user",
)  # the mesh may send calls that differ in these to other versions

Waiting = tuple[T, asyncio.Future[R], CallContext]


@dataclass(slots=True)
class Lane(Generic[T, R]):
    """Calls that may travel together."""

    waiting: deque[Waiting[T, R]] = field(default_factory=deque)
    flights: int = 0


class Coalescer(Generic[T, R]):
    """Hands items to `work` in batches: what arrives while all flights are out leaves together with the next.

    A flight belongs to no caller: one that is cancelled cancels only itself. A sampled call travels alone, so
    that its trace shows its own work.
    """

    def __init__(
        self, work: Callable[[Sequence[T]], Awaitable[Sequence[R]]], *, size: int = 50, flights: int = 3
    ) -> None:
        self._work = work
        self._size = size
        self._flights = flights
        self._lanes: dict[tuple[str | None, ...], Lane[T, R]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, item: T) -> R:
        context = call_context.current()
        if is_sampled(context.headers.get("traceparent", "")):
            return (await self._work([item]))[0]
        name = tuple(context.headers.get(header) for header in ROUTED_BY)
        lane = self._lanes.setdefault(name, Lane())
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        lane.waiting.append((item, future, context))
        if lane.flights < self._flights:
            lane.flights += 1
            task = asyncio.create_task(self._fly(name, lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _fly(self, name: tuple[str | None, ...], lane: Lane[T, R]) -> None:
        try:
            while batch := self._next(lane):
                self._enter([context for _, _, context in batch])
                await self._answer(batch)
        finally:
            lane.flights -= 1
            if not lane.flights and not lane.waiting:
                self._lanes.pop(name, None)

    def _next(self, lane: Lane[T, R]) -> list[Waiting[T, R]]:
        batch: list[Waiting[T, R]] = []
        while lane.waiting and len(batch) < self._size:
            waiting = lane.waiting.popleft()
            if not waiting[1].done():
                batch.append(waiting)
        return batch

    def _enter(self, contexts: Sequence[CallContext]) -> None:
        """The flight may take as long as the most patient of its callers waits."""
        deadlines = [context.deadline for context in contexts]
        known = [deadline for deadline in deadlines if deadline is not None]
        seconds = max(known) - time.monotonic() if len(known) == len(deadlines) else None
        call_context.enter(contexts[0].headers.items(), seconds)

    async def _answer(self, batch: Sequence[Waiting[T, R]]) -> None:
        try:
            results = await self._work([item for item, _, _ in batch])
        except Exception as error:
            for _, future, _ in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future, _), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)


def is_sampled(traceparent: str) -> bool:
    flags = traceparent.rpartition("-")[2]
    return len(flags) == 2 and flags[1] in "13579bdf"
