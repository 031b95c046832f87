"""Looks at the system once a second while somebody looks at the page, else every ten seconds."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import asyncpg
import httpx
from runtime.api import NeedsMesh, Runtime, RuntimeFailure, WorkloadStatus
from strangler.health import survey
from strangler.modules import MODULES, SHAPES
from strangler.state import Entry, State
from telemetry.spans import Span

from dashboard.server.declared import Declared
from dashboard.server.effects import INGRESS, MATCHING, Effect, effects
from dashboard.server.exemplars import Exemplars
from dashboard.server.graph import USERS, Graph
from dashboard.server.hub import Hub

PERIOD = 1.0
SELDOM = 10.0  # seconds between looks while nobody watches, lest the charts have a hole
SLOWLY = 5.0  # seconds between looks at the strangler's own tables
HISTORY = 300  # seconds of the users' figures that a page is given when it opens
TRACES = 50  # looked at for exemplars
JOURNAL = 60
HAPPENED = 60
PROBLEMS = (RuntimeFailure, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, httpx.HTTPError)


class Observer:
    def __init__(self, runtime: Runtime, hub: Hub) -> None:
        self._runtime = runtime
        self._hub = hub
        self._graph = Graph()
        self._exemplars = Exemplars(HISTORY)
        self._declared = Declared()
        self._state = State(runtime)
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._looked_closely = 0.0
        self._sequence = 0
        self._happened: deque[dict[str, object]] = deque(maxlen=HAPPENED)
        self.history: deque[tuple[float, float, float, float | None]] = deque()
        self.shape: dict[str, Any] = {}

    def watch(self) -> None:
        """Look now, and often while a page is open."""
        self._woken.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._observe())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _observe(self) -> None:
        while True:
            begun = time.monotonic()
            self._woken.clear()
            try:
                await self._look(begun)
                self._hub.show(("trouble",), {})
            except PROBLEMS as error:  # something of the system is away; the page says so and goes on
                self._hub.show(("trouble",), {"trouble": f"{type(error).__name__}: {error}"})
            period = PERIOD if self._hub.streams else SELDOM
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.1, period - (time.monotonic() - begun))):
                    await self._woken.wait()

    async def _look(self, at: float) -> None:
        workloads = await self._runtime.workloads.statuses()
        try:
            seen, calls = await asyncio.gather(self._effects(workloads), self._runtime.telemetry.edges())
        except NeedsMesh:
            seen, calls = {}, []
        routes = self._declared.routes(await self._runtime.mesh.applied())
        shown = self._graph.look(at, workloads, calls, seen, routes)
        users = shown[f"edge/{USERS}>{INGRESS}"]
        point = round(time.time(), 1), users["rate"], users["failed"], users["p95"]
        self.history.append(point)
        while self.history[0][0] < point[0] - HISTORY:
            self.history.popleft()
        if self._hub.streams:
            await self._look_at_events()
        self._hub.show(("node/", "edge/", "routes", "happened"), shown | {"happened": list(self._happened)})
        self._hub.tell("point", point)
        if self._hub.streams and at - self._looked_closely > SLOWLY:
            await self.look_closely()

    async def _effects(self, workloads: list[WorkloadStatus]) -> dict[Effect, float]:
        names = [INGRESS, *dict.fromkeys(w.name for w in workloads)]
        found = await asyncio.gather(
            *(self._runtime.telemetry.counters(name, matching=MATCHING) for name in names),
            return_exceptions=True,
        )
        return {
            effect: value
            for name, counters in zip(names, found, strict=True)
            if isinstance(counters, dict)  # a proxy that is just starting or gone has none
            for effect, value in effects(name, counters).items()
        }

    async def _look_at_events(self) -> None:
        for event in await self._runtime.telemetry.events(self._sequence):
            self._sequence = event.sequence
            self._happened.append(
                {"at": event.at, "kind": event.kind, "subject": event.subject, "message": event.message[:400]}
            )

    async def phases(self) -> Mapping[str, str]:
        """How far each module is now, or was when it could last be read."""
        try:
            return await self._state.phases()
        except PROBLEMS:
            phases: Mapping[str, str] = self.shape.get("modules", {})
            return phases

    async def look_closely(self) -> None:
        """At where the strangling stands, and at the traces."""
        self._looked_closely = time.monotonic()
        phases = await self._state.phases()
        number, under_way = await self._state.position()
        journal = await self._state.journal()
        self.shape = {
            "shape": SHAPES[number],
            "shapes": SHAPES,
            "meshed": "mesh" in self._runtime.capabilities,
            "modules": phases,
            "underWay": under_way,
            "replication": [
                {"module": one.module, "direction": one.direction, "state": one.state, "summary": str(one)}
                for one in await survey(self._runtime, phases)
            ],
            "steps": [
                {"shape": SHAPES[i + 1], "module": m.name, "prefixes": m.prefixes}
                for i, m in enumerate(MODULES)
            ],
        }
        traces: list[list[Span]] = []
        with contextlib.suppress(RuntimeFailure):  # a cluster without Jaeger has none
            traces = await self._runtime.telemetry.traces(limit=TRACES)
        shown = {
            "shape": self.shape,
            "journal": [_entry(e) for e in journal[-JOURNAL:]],
            "exemplars": self._exemplars.look(traces, time.time()),
        }
        self._hub.show(tuple(shown), shown)


def _entry(entry: Entry) -> dict[str, object]:
    return {"at": entry.at.timestamp(), "step": entry.step, "what": entry.what, "detail": entry.detail}
