"""One step forward or back, in phases that each can be repeated: whoever finds a step half done goes on with it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from demo.runtimes.runtime import Runtime
from demo.strangler import fence, gate, mirror
from demo.strangler import state as phases
from demo.strangler.database import MONOLITH, connected
from demo.strangler.gate import Comparison, GateRefused
from demo.strangler.modules import ANSWERS_LOG, BY_NAME, LAST, MODULES, SHAPES, TRAFFIC, Module
from demo.strangler.replication import Lagging, Replication
from demo.strangler.state import State

Progress = Callable[[str, str], None]  # step, what happens now
Between = Callable[[str], Awaitable[None]]  # called when a module co-exists, before the gate

SETTLE = 0.5  # seconds until every process has seen a changed placement or route
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


class Strangler:
    """Moves the running system from shape to shape. `dwell` is how long each share of the traffic is held, in seconds."""

    def __init__(self, runtime: Runtime, *, dwell: float = 2.0, progress: Progress = lambda *_: None) -> None:
        self._runtime = runtime
        self._dwell = dwell
        self._progress = progress
        self.replication = Replication(runtime)
        self.state = State(runtime)

    async def begin(self, titles: int = 0) -> None:
        """Bring up shape 0 where nothing runs yet, with so many titles, or the shipped catalogue's if 0."""
        running = {w.name for w in await self._runtime.workloads()}
        if not running & {MONOLITH, GATEWAY}:
            await self._runtime.start(MONOLITH)
            await self._runtime.run(MONOLITH, "seed", *(["--titles", str(titles)] if titles else []))
            await self._runtime.apply(
                [m.traffic("monolith") for m in MODULES] + [TRAFFIC / "edge-rest-monolith.yaml"]
            )
        await self.state.prepare()

    async def forward(self, between: Between | None = None) -> Report:
        """Take the next step, or finish the one that is under way. Raises GateRefused with everything as it was."""
        number, under_way = await self.state.position()
        if number == LAST:
            raise ValueError("the monolith is gone already; there is no further step")
        if under_way and (await self.state.phases())[under_way] == phases.LEAVING:
            await self.back()
        report = Report(SHAPES[number + 1], "forward")
        if number + 1 == LAST:
            await self._retire(report)
        else:
            await self._strangle(MODULES[number], report, between)
        report.ended = time.time()
        return report

    async def back(self) -> Report:
        """Undo the last step, or the one that is under way, without losing a row."""
        number, under_way = await self.state.position()
        if number == 0 and not under_way:
            raise ValueError("the system is in its first shape; there is nothing to go back to")
        if under_way:
            report = Report(SHAPES[number], "back")
            await self._return(BY_NAME[under_way], report)
        else:
            report = Report(SHAPES[number - 1], "back")
            if number == LAST:
                await self._restore(report)
            else:
                await self._return(MODULES[number - 1], report)
        report.ended = time.time()
        return report

    # forward

    async def _strangle(self, module: Module, report: Report, between: Between | None) -> None:
        if await fence.is_closed(self._runtime, MONOLITH, module):  # cut over already, then interrupted
            await self._conclude(module, report)
            return
        if (await self.state.phases())[module.name] == phases.IN_PROCESS:
            await self._transform(module, report)
        await self._coexist(module, report)
        if between is not None:
            await between(module.name)
        await self._eliminate(module, report)
        await self._conclude(module, report)

    async def _transform(self, module: Module, report: Report) -> None:
        with self._phase(report, f"transform: start {module.name}, copy its rows"):
            started = await self._running()
            for workload in (module.name, *module.newcomers, GATEWAY):
                if workload not in started:
                    await self._runtime.start(workload)
                if workload in module.newcomers:
                    await self._runtime.run(workload, "seed")
            if module.newcomers:
                await self._runtime.apply(
                    [TRAFFIC / f"edge-{name}-gateway.yaml" for name in module.newcomers]
                )
            await fence.close(self._runtime, module.name, module)
            await self.replication.start(module, "forward", copy=True)
            report.rows = await self.replication.copied(module, "forward")
            await self.replication.caught_up(module, "forward")
            await self.state.set(module.name, phases.REPLICATED, report.step, rows=report.rows)

    async def _coexist(self, module: Module, report: Report) -> None:
        if module.written_live:
            await self.replication.synchronous(module, "forward")
        seen = mirror.Verdict()
        with self._phase(report, f"co-exist: mirror {' '.join(module.prefixes)}"):
            await self._runtime.apply([ANSWERS_LOG, module.traffic("mirror")])
            await self._probe(module)
            await asyncio.sleep(self._dwell)
            seen = await mirror.verdict(self._runtime, module.prefixes)
            await self._runtime.apply([module.traffic("monolith")])
            await self._runtime.delete([ANSWERS_LOG])
        report.pairs, report.mismatches = seen.pairs, seen.mismatches
        await self.state.set(
            module.name,
            phases.SHARED,
            report.step,
            pairs=seen.pairs,
            mismatches=seen.mismatches,
            examples=seen.examples,
        )
        if seen.pairs == 0 or seen.mismatches:
            why = (
                "no answer was mirrored"
                if not seen.pairs
                else f"{seen.mismatches} of {seen.pairs} mirrored answers differ"
            )
            raise GateRefused(module.name, [why, *seen.examples])
        for share in ("10", "50", "100"):
            with self._phase(report, f"co-exist: {share} % to {module.name}"):
                await self._runtime.apply([module.traffic(share)])
                await asyncio.sleep(self._dwell)
        if not module.written_live:
            await self._place(module, "remote")

    async def _eliminate(self, module: Module, report: Report) -> None:
        with self._phase(report, f"eliminate: compare every row of {module.name}"):
            await fence.close(
                self._runtime, module.name, module
            )  # an interrupted cut-over may have left it open
            before = datetime.now(UTC) - timedelta(minutes=1)
            comparison = await self.verify(module)
            await self.state.note(report.step, f"gate of {module.name}", **_figures(comparison))
            if comparison.differences:
                raise GateRefused(module.name, _reasons(comparison))
        with self._phase(report, f"eliminate: {module.name} becomes the writer"):
            await self.replication.start(module, "back", copy=False)
            await self.replication.caught_up(module, "back")
            begun = time.monotonic()
            async with fence.closing(self._runtime, MONOLITH, module):
                await self._last_look(module, "forward", before)
                await self.replication.asynchronous(module)
                await fence.open_(self._runtime, module.name, module)
            report.pause = time.monotonic() - begun

    async def _conclude(self, module: Module, report: Report) -> None:
        with self._phase(
            report, f"eliminate: {module.name} gets all traffic, changes flow back to the monolith"
        ):
            await self.replication.asynchronous(module)
            await fence.open_(self._runtime, module.name, module)
            await self._runtime.apply([module.done_traffic])
            await self._place(module, "remote")
            await self.replication.stop(module, "forward")
            await self.state.set(
                module.name, phases.STRANGLED, report.step, pause_seconds=round(report.pause, 4)
            )

    async def _retire(self, report: Report) -> None:
        with self._phase(report, "eliminate: the monolith loses its traffic, its process and its access"):
            await self._runtime.apply([TRAFFIC / "edge-rest-gateway.yaml"])
            await asyncio.sleep(SETTLE)
            await self._runtime.stop(MONOLITH)
            async with connected(self._runtime, MONOLITH) as db:
                await db.execute(ARCHIVE)
            await self.state.set(MONOLITH, phases.STRANGLED, report.step)

    # back

    async def _return(self, module: Module, report: Report) -> None:
        phase = (await self.state.phases())[module.name]
        if phase in (phases.STRANGLED, phases.LEAVING):
            await self.state.set(module.name, phases.LEAVING, report.step)
            if await fence.is_closed(
                self._runtime, MONOLITH, module
            ):  # else it is the writer already: interrupted
                await self._read_here_again(module, report)
                await self._write_here_again(module, report)
            await fence.close(self._runtime, module.name, module)
            if await self.replication.runs(module, "back"):
                await self.replication.caught_up(module, "back")
        with self._phase(report, f"back: {module.name} leaves"):
            await self._place(module, "local")
            await self._runtime.apply([module.traffic("monolith")])
            await self._runtime.delete([ANSWERS_LOG])
            await self.replication.asynchronous(module)
            await asyncio.sleep(SETTLE)
            await self.replication.stop(module, "forward")
            await self.replication.stop(module, "back")
            if module.newcomers:
                await self._runtime.delete(
                    [TRAFFIC / f"edge-{name}-gateway.yaml" for name in module.newcomers]
                )
                await asyncio.sleep(SETTLE)
            for workload in (module.name, *module.newcomers):
                await self._stop(workload)
            await self.state.set(module.name, phases.IN_PROCESS, report.step)
            if (await self.state.position())[0] == 0:
                await self._stop(GATEWAY)

    async def _read_here_again(self, module: Module, report: Report) -> None:
        with self._phase(report, f"back: the monolith reads {module.name} again"):
            if module.written_live:
                await self.replication.synchronous(module, "back")
            await self.replication.caught_up(module, "back")
            await self._place(module, "local")
            await self._runtime.apply([module.traffic("monolith")])
            await asyncio.sleep(SETTLE)

    async def _write_here_again(self, module: Module, report: Report) -> None:
        with self._phase(report, f"back: the monolith becomes the writer of {module.name}"):
            before = datetime.now(UTC) - timedelta(minutes=1)
            comparison = await self.verify(module, "back")
            report.rows = comparison.rows
            if comparison.differences:
                raise GateRefused(module.name, _reasons(comparison))
            begun = time.monotonic()
            async with fence.closing(self._runtime, module.name, module):
                await self._last_look(module, "back", before)
                await self.replication.asynchronous(module)
                await fence.open_(self._runtime, MONOLITH, module)
            report.pause = time.monotonic() - begun

    async def _restore(self, report: Report) -> None:
        with self._phase(report, "back: the monolith gets its access, its process and its traffic again"):
            async with connected(self._runtime, MONOLITH) as db:
                await db.execute(RESTORE)
            await self._runtime.start(MONOLITH)
            await self._runtime.apply([TRAFFIC / "edge-rest-monolith.yaml"])
            await self.state.set(MONOLITH, phases.IN_PROCESS, report.step)

    # both

    async def verify(self, module: Module, direction: Any = "forward") -> Comparison:
        """Compare all rows; what differs is looked at again, because the two looks are never at the same moment."""
        await self.replication.caught_up(module, direction)
        comparison = await gate.compare(self._runtime, module)
        for _ in range(4):
            if not comparison.differences:
                break
            await asyncio.sleep(0.1)
            await self.replication.caught_up(module, direction)
            comparison = await gate.compare(self._runtime, module, only=comparison.keys)
        return comparison

    async def _last_look(self, module: Module, direction: Any, since: datetime) -> None:
        """While writers wait: nothing is on its way any more, and what changed of late is equal."""
        await self.replication.caught_up(module, direction, timeout=5)
        comparison = await gate.compare(
            self._runtime, module, _first_uuid7(since) if module.written_live else None
        )
        if comparison.differences:
            raise GateRefused(module.name, _reasons(comparison))

    async def _place(self, module: Module, place: str) -> None:
        async with connected(self._runtime, MONOLITH) as db:
            await db.execute(
                "insert into module_placement(module, place) values($1, $2)"
                " on conflict (module) do update set place = excluded.place",
                module.name,
                place,
            )
        await asyncio.sleep(SETTLE)

    async def _probe(self, module: Module) -> None:
        """Requests of our own, so that a mirror has something to compare when nobody else comes."""
        async with httpx.AsyncClient(base_url=self._runtime.edge(), timeout=10) as client:
            for method, path, body in module.probes:
                headers = {"content-type": "application/json"} if body else {}
                await client.request(method, path, content=body or None, headers=headers)

    async def _running(self) -> set[str]:
        return {workload.name for workload in await self._runtime.workloads()}

    async def _stop(self, workload: str) -> None:
        if workload in await self._running():
            await self._runtime.stop(workload)

    def _phase(self, report: Report, text: str) -> "_Phase":
        return _Phase(report, text, self._progress)


class _Phase:
    """Tells and times one phase of a step."""

    def __init__(self, report: Report, text: str, progress: Progress) -> None:
        self._report, self._text, self._progress = report, text, progress

    def __enter__(self) -> None:
        self._begun = time.monotonic()
        self._progress(self._report.step, self._text)

    def __exit__(self, *_: object) -> None:
        self._report.phases.append((self._text, time.monotonic() - self._begun))


ARCHIVE = """
do $$ begin
  if not exists (select from pg_roles where rolname = 'figtree_archive') then create role figtree_archive nologin; end if;
end $$;
reassign owned by monolith to figtree_archive;
revoke connect on database monolith from monolith;
alter role monolith nologin;
"""
# REASSIGN OWNED moves the database itself, too; all of it goes back the same way.
RESTORE = """
alter role monolith login;
grant connect on database monolith to monolith;
reassign owned by figtree_archive to monolith;
"""


def _first_uuid7(at: datetime) -> UUID:
    return UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (0b10 << 62))


def _figures(comparison: Comparison) -> dict[str, Any]:
    return {
        "rows": comparison.rows,
        "differences": comparison.differences,
        "examples": [str(example) for example in comparison.examples],
    }


def _reasons(comparison: Comparison) -> list[str]:
    return [f"{comparison.differences} rows differ", *map(str, comparison.examples)]


__all__ = ["GateRefused", "Lagging", "Report", "Strangler"]
