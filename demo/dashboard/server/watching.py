"""What one open page follows besides what all are shown: a log, a trace."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from runtime.api import Part, Runtime, RuntimeFailure
from telemetry.spans import Span

from dashboard.server.effects import INGRESS
from dashboard.server.hub import Stream

LINES = 300
LOG_PERIOD, TRACE_PERIOD = 1.0, 0.25
AT_REST = 40  # looks at a trace that brought nothing new, after which it is complete


class Watching:
    """At most one follower of each kind; a new one replaces it."""

    def __init__(self, runtime: Runtime, page: Stream) -> None:
        self._runtime = runtime
        self._page = page
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def log(self, name: str, part: Part) -> None:
        self._follow("log", self._log(name, part))

    def trace(self, trace_id: str, order_id: str) -> None:
        self._follow("trace", self._trace(trace_id, order_id))

    def nothing(self, kind: str) -> None:
        if task := self._tasks.pop(kind, None):
            task.cancel()

    def _follow(self, kind: str, follower: Any) -> None:
        self.nothing(kind)
        self._tasks[kind] = asyncio.create_task(follower)

    async def _log(self, name: str, part: Part) -> None:
        known: list[str] = []
        while not self._page.closed:
            lines, problem = known, ""
            try:
                lines = [line.rstrip("\n") for line in await self._runtime.telemetry.logs(name, part, LINES)]
            except (RuntimeFailure, OSError) as error:
                problem = str(error)
            fresh = new_lines(known, lines)
            if fresh or problem or not known:
                self._page.send("log", {"name": name, "part": part, "lines": fresh, "problem": problem})
            known = lines
            await asyncio.sleep(LOG_PERIOD)

    async def _trace(self, trace_id: str, order_id: str) -> None:
        seen, at_rest = -1, 0
        while not self._page.closed and at_rest < AT_REST:
            spans = await self._spans(trace_id, order_id)
            at_rest = at_rest + 1 if len(spans) == seen else 0
            if len(spans) != seen:
                seen = len(spans)
                self._page.send("trace", {"trace": trace_id, "order": order_id, "spans": shown(spans)})
            await asyncio.sleep(TRACE_PERIOD)

    async def _spans(self, trace_id: str, order_id: str) -> list[Span]:
        if trace_id:
            return await self._runtime.telemetry.trace(trace_id)
        traces = await self._runtime.telemetry.traces(order_id)
        return traces[-1] if traces else []  # the oldest is the one that placed it

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def new_lines(known: Sequence[str], now: Sequence[str]) -> list[str]:
    """What has come behind the lines that were known; all, if nothing of them is left."""
    for start in range(len(known)):
        left = len(known) - start
        if left <= len(now) and list(known[start:]) == list(now[:left]):
            return list(now[left:])
    return list(now)


def shown(spans: Sequence[Span]) -> list[dict[str, object]]:
    """The ingress gateway is called differently in each installation."""
    return [
        asdict(span) | ({"service": INGRESS, "version": ""} if INGRESS in span.service else {})
        for span in spans
    ]
