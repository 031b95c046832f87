"""What both directions of a step use."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import httpx
from runtime.api import Runtime
from runtime.commands import run

from strangler import gate
from strangler.database import MONOLITH, connected, reporting_wait
from strangler.gate import Comparison, GateRefused
from strangler.module import TRAFFIC, Module
from strangler.names import Direction
from strangler.replication import Lagging, Replication
from strangler.state import State

Progress = Callable[[str, str], None]  # step, what happens now

SETTLE = 0.5  # seconds until every process has seen a changed placement or route
STALL = 2.0  # seconds that writers wait for a replica before it is given up
RETREAT = 5.0  # seconds that they wait, besides, until nobody reads it any more
GATEWAY = "gateway"


@dataclass(slots=True)
class Report:
    """What one step did, for the table at the end."""

    step: str
    direction: str
    begun: float = field(default_factory=time.time)
    ended: float = 0.0
    rows: int = 0
    pairs: int = 0
    mismatches: int = 0
    pause: float = 0.0  # seconds in which writers were held back
    phases: list[tuple[str, float]] = field(default_factory=list)


class StepContext:
    """The runtime, the replication, the state, and what one does with all three."""

    def __init__(self, runtime: Runtime, dwell: float, progress: Progress) -> None:
        self.runtime = runtime
        self.replication = Replication(runtime)
        self.state = State(runtime)
        self.dwell = dwell
        self._progress = progress
        self.meshed = "mesh" in runtime.capabilities
        self.unsettled = False  # users could not be moved back after a failure
        self._stalled = ""  # why the replica was given up that writers had waited for

    @contextmanager
    def phase(self, report: Report, text: str) -> Iterator[None]:
        """Tell and time one phase of a step."""
        self._progress(report.step, text)
        begun = time.monotonic()
        try:
            yield
        finally:
            report.phases.append((text, time.monotonic() - begun))

    async def verify(self, module: Module, direction: Direction) -> Comparison:
        """Compare all rows; what differs is looked at again, because the two looks are never at the same moment.

        Raises GateRefused if the columns differ, or if the replica was found standing still.
        """
        self.refuse_if_stalled(module)
        # Before waiting: where columns differ replication may have ended, and would never catch up.
        await gate.same_columns(self.runtime, module)
        behind = await self.replication.caught_up(module, direction)
        await self.runtime.telemetry.report(
            "figtree_replication_lag_seconds", behind, module=module.name, direction=direction
        )
        comparison = await gate.compare(self.runtime, module)
        for _ in range(4):
            if not comparison.differences:
                break
            await asyncio.sleep(0.1)
            await self.replication.caught_up(module, direction)
            comparison = await gate.compare_again(self.runtime, module, comparison)
        return comparison

    def refuse_if_stalled(self, module: Module) -> None:
        """Raises GateRefused if the replica was found standing still, and the writers no longer wait for it."""
        if self._stalled:
            raise GateRefused(module.name, [self._stalled])

    async def compare(self, module: Module, direction: Direction) -> Comparison:
        """Compare all rows, outside of the gate. Raises GateRefused if any differs."""
        comparison = await self.verify(module, direction)
        if comparison.differences:
            await self.runtime.telemetry.report(
                "figtree_gate_differences", comparison.differences, module=module.name
            )
        _require(module, comparison)
        return comparison

    async def share(self, module: Module, direction: Direction) -> None:
        """Hold a share for `dwell` seconds and compare all rows meanwhile, for a quarter of the time, at least once."""
        until = time.monotonic() + self.dwell
        while True:
            begun = time.monotonic()
            await self.compare(module, direction)
            now = time.monotonic()
            await asyncio.sleep(max(0.0, min(until - now, max(0.5, 3 * (now - begun)))))
            if time.monotonic() >= until:
                return

    @asynccontextmanager
    async def synchronous(
        self, module: Module, direction: Direction, retreat: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[None]:
        """Writers wait for the replica inside the block, if users write the module.

        It begins only behind a replica that has just caught up, and ends by itself when that stands still for
        STALL seconds: `retreat` takes the readers away from the replica, then nothing holds the writers up, and the
        gate refuses.
        """
        self._stalled = ""
        if not module.written_live:
            yield
            return
        await self.replication.caught_up(module, direction)
        watchdog = asyncio.create_task(self._release_if_stalled(module, direction, retreat))
        try:
            await self.replication.synchronous(module, direction)
            yield
        finally:
            watchdog.cancel()
            await asyncio.gather(watchdog, return_exceptions=True)
            self._stalled = ""  # told, or too late to matter: what comes next looks for itself
            await self.replication.asynchronous(module)

    async def _release_if_stalled(
        self, module: Module, direction: Direction, retreat: Callable[[], Awaitable[None]]
    ) -> None:
        while True:
            await asyncio.sleep(STALL / 4)
            try:
                await self.replication.caught_up(module, direction, patience=STALL)
            except Lagging as stalled:
                self._stalled = str(stalled)
                # First the readers: what is written from now on is not in the replica.
                # If that fails, undoing the step says why.
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(RETREAT):
                        await retreat()
                await self.replication.asynchronous(module)
                return
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                continue  # the writers' database itself is away, and comes back

    async def put_right(self, report: Report, work: Awaitable[None]) -> None:
        """After a failure bring users to the side that is right; say so if that fails, too."""
        try:
            await work
        except Exception as error:  # whatever it is, the first failure is the one to be raised
            self.unsettled = True
            self._progress(
                report.step,
                f"users could not be moved back yet: {reason(error)}. This is tried again for two minutes; `figtree"
                " status` shows where reads and writes go, `figtree step` and `figtree back` go on from there",
            )

    async def check(self, module: Module, direction: Direction, report: Report) -> None:
        """The gate: raise GateRefused if any row differs."""
        comparison = await self.verify(module, direction)
        await self.state.note(report.step, f"gate of {module.name}", **_figures(comparison))
        report.rows = report.rows or comparison.rows
        verdict = "refused" if comparison.differences else "allowed"
        await self.runtime.telemetry.report(
            "figtree_gate_differences", comparison.differences, module=module.name
        )
        await self.runtime.telemetry.report(
            "figtree_gate_decisions_total", 1, module=module.name, verdict=verdict
        )
        _require(module, comparison)

    async def last_look(self, module: Module, direction: Direction) -> None:
        """While writers wait: nothing is on its way any more, and what changed in the last minute is equal."""
        await self.replication.caught_up(module, direction, patience=5)
        since = _first_uuid7(datetime.now(UTC) - timedelta(minutes=1)) if module.written_live else None
        _require(module, await gate.compare(self.runtime, module, since))

    async def place(self, module: Module, place: str) -> None:
        """Let the rest of the monolith use the module in process ("local") or over gRPC ("remote")."""
        async with connected(self.runtime, MONOLITH) as db:
            await db.execute(
                "insert into module_placement(module, place) values($1, $2)"
                " on conflict (module) do update set place = excluded.place",
                module.name,
                place,
            )
        await asyncio.sleep(SETTLE)

    async def route(self, module: Module, state: str) -> None:
        """Send the users of the module where `state` says (Module.traffic).

        Without a mesh all users stay at the monolith, which answers in process or over gRPC.
        """
        if self.meshed:
            await self.runtime.mesh.apply([module.traffic(state)])
        else:
            await self.place(module, "local" if state == MONOLITH else "remote")

    async def enter(self, workload: str) -> None:
        """Send the users of everything else, and without a mesh all users, to the monolith or to the gateway.

        Without a mesh new connections go to the monolith while it runs, else to the gateway: that one ends its old ones
        as it stops.
        """
        if self.meshed:
            await self.runtime.mesh.apply([TRAFFIC / f"edge-rest-{workload}.yaml"])
        elif workload == GATEWAY:
            await self.start(GATEWAY)
        else:
            await self.stop(GATEWAY)

    async def probe(self, module: Module) -> None:
        """Requests of our own, so that a mirror has something to compare when nobody else comes."""
        async with httpx.AsyncClient(base_url=self.runtime.edge(), timeout=10, trust_env=False) as client:
            for method, path, body in module.probes:
                headers = {"content-type": "application/json"} if body else {}
                await client.request(method, path, content=body or None, headers=headers)

    async def running(self) -> set[str]:
        """The names of the workloads that run."""
        return {workload.name for workload in await self.runtime.workloads.statuses()}

    async def start(self, workload: str) -> None:
        """Make its database, migrate it, start it."""
        async with reporting_wait(
            self.runtime, workload, f"{workload} to start and its database to be migrated"
        ):
            await self.runtime.workloads.start(workload)

    async def seed(self, workload: str) -> None:
        """Fill the workload's database, if it is empty."""
        async with reporting_wait(self.runtime, workload, f"the database of {workload} to be seeded"):
            await run(await self.runtime.workloads.command(workload, "seed"))

    async def stop(self, workload: str) -> None:
        """Stop the workload, if it runs, once it has answered what is under way."""
        if workload in await self.running():
            async with reporting_wait(self.runtime, workload, f"{workload} to finish its requests and stop"):
                await self.runtime.workloads.stop(workload)


def reason(failure: BaseException) -> str:
    """A failure in one line."""
    return " ".join(str(failure).split()) or type(failure).__name__


def _require(module: Module, comparison: Comparison) -> None:
    if comparison.differences:
        reasons = [f"{comparison.differences} rows differ", *map(str, comparison.examples)]
        reasons.append(f"if the writer's rows are right, `figtree copy {module.name}` copies them anew")
        raise GateRefused(module.name, reasons)


def _first_uuid7(at: datetime) -> UUID:
    return UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (0b10 << 62))


def _figures(comparison: Comparison) -> dict[str, object]:
    examples = [str(example) for example in comparison.examples]
    return {"rows": comparison.rows, "differences": comparison.differences, "examples": examples}
