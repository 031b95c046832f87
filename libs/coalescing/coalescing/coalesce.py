"""Calls that come at the same time share one piece of work; a call that comes alone waits for nobody."""

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

LINGER, LONGEST = 0.25, 0.01  # of what the flight took, and seconds

# The mesh may send calls that differ in these to other versions.
ROUTED_BY = ("x-environment", "x-figtree-user")


class Busy(Exception):
    """So much is waiting already that a further call would wait too long."""


@dataclass(frozen=True, slots=True)
class Waiting(Generic[T, R]):
    item: T
    answer: asyncio.Future[R]
    call: CallContext
    context: Context
    since: float


@dataclass(frozen=True, slots=True)
class Boarding:
    seats: int
    full: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Lane(Generic[T, R]):
    """Calls that may travel together."""

    waiting: deque[Waiting[T, R]] = field(default_factory=deque)
    flights: int = 0
    boarding: list[Boarding] = field(default_factory=list)


class Coalescer(Generic[T, R]):
    """Hands items to `work` in batches: what arrives while all flights are out leaves together with the next.

    Those who were answered together often come again together: for a quarter of the time that it took to answer them,
    and not for more than 10 ms, what comes waits until they are as many again.

    A flight belongs to no caller: one that is cancelled cancels only itself. The first sampled call leads it and comes
    first: its trace shows every hop, those of others end where they joined.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        size: int = 50,
        flights: int = 2,
        most: int = 1000,
        patience: float = 4.0,
    ) -> None:
        self._work = work
        self._size = size
        self._flights = flights
        self._most = most
        self._patience = patience
        self._lanes: dict[tuple[str | None, ...], Lane[T, R]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, item: T) -> R:
        """The item's result. Raises Busy if `most` are waiting, or one has been waiting for `patience` seconds."""
        call = call_context.current()
        name = tuple(call.headers.get(header) for header in ROUTED_BY)
        lane = self._lanes.setdefault(name, Lane())
        now = time.monotonic()
        if len(lane.waiting) >= self._most or (lane.waiting and now - lane.waiting[0].since > self._patience):
            raise Busy("too many calls are waiting already")
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        lane.waiting.append(Waiting(item, answer, call, copy_context(), now))
        for boarding in lane.boarding:
            if len(lane.waiting) >= boarding.seats:
                boarding.full.set()
        if not lane.boarding and lane.flights < self._flights:
            lane.flights += 1
            task = asyncio.create_task(self._fly(name, lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _fly(self, name: tuple[str | None, ...], lane: Lane[T, R]) -> None:
        try:
            while batch := self._next(lane):
                begun = time.monotonic()
                await asyncio.create_task(self._answer(batch), context=batch[0].context)
                if len(batch) > 1:
                    await self._linger(lane, len(batch), time.monotonic() - begun)
        finally:
            lane.flights -= 1
            if not lane.flights and not lane.waiting:
                self._lanes.pop(name, None)

    async def _linger(self, lane: Lane[T, R], seats: int, took: float) -> None:
        if len(lane.waiting) >= seats:
            return
        boarding = Boarding(seats)
        lane.boarding.append(boarding)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(took * LINGER, LONGEST)):
                    await boarding.full.wait()
        finally:
            lane.boarding.remove(boarding)

    def _next(self, lane: Lane[T, R]) -> list[Waiting[T, R]]:
        batch: list[Waiting[T, R]] = []
        while lane.waiting and len(batch) < self._size:
            waiting = lane.waiting.popleft()
            if not waiting.answer.done():  # its caller is still there
                batch.append(waiting)
        leader = next((n for n, one in enumerate(batch) if _is_sampled(one.call)), 0)
        return [*batch[leader : leader + 1], *batch[:leader], *batch[leader + 1 :]]

    async def _answer(self, batch: Sequence[Waiting[T, R]]) -> None:
        """The flight may take as long as the most patient of its callers waits."""
        deadlines = [one.call.deadline for one in batch]
        known = [deadline for deadline in deadlines if deadline is not None]
        seconds = max(known) - time.monotonic() if len(known) == len(deadlines) else None
        call_context.enter(batch[0].call.headers.items(), seconds)
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
