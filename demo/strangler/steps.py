"""One step forward or back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runtime.api import Runtime
from runtime.commands import run

from strangler import fence
from strangler import state as phases
from strangler.back import return_
from strangler.context import GATEWAY, SETTLE, Progress, Report, StepContext
from strangler.database import MONOLITH, Waiting, connected, waiting
from strangler.forward import Between, strangle
from strangler.gate import Comparison
from strangler.guard import guarded
from strangler.health import Health, health, survey
from strangler.module import TRAFFIC, Module
from strangler.modules import BY_NAME, LAST, MODULES, SHAPES
from strangler.names import Direction, ends
from strangler.replication import Lagging

# The tables stay where they are and go on being fed, so that the way back is open; only nobody can log in to them.
ARCHIVE = """
do $$ begin
  if not exists (select from pg_roles where rolname = 'figtree_archive') then
    create role figtree_archive nologin;
  end if;
end $$;
reassign owned by monolith to figtree_archive;
revoke connect on database monolith from monolith;
alter role monolith nologin;
"""
RESTORE = """
alter role monolith login;
reassign owned by figtree_archive to monolith;
grant connect on database monolith to monolith;
"""


class Strangler:
    """Moves the running system from shape to shape; holds each share of the traffic for `dwell` seconds."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        dwell: float = 2.0,
        lock_limit: float = 60.0,
        work_limit: float = 600.0,
        progress: Progress = lambda *_: None,
    ) -> None:
        self._waiting = Waiting(lock_limit, lambda text: progress("", text), work_limit)
        self._context = StepContext(runtime, dwell, progress)
        self._runtime = runtime
        self.state = self._context.state
        self.replication = self._context.replication

    async def begin(self, titles: int = 0) -> None:
        """Bring up shape 0 where nothing runs yet, with so many titles, or the shipped catalogue's if 0."""
        if not await self._context.running() & {MONOLITH, GATEWAY}:
            await self._runtime.workloads.start(MONOLITH)
            await run(
                await self._runtime.workloads.command(
                    MONOLITH, "seed", *(["--titles", str(titles)] if titles else [])
                )
            )
        # On a cluster `make deploy` has started it, and no more.
        if self._context.meshed and (await self.state.position()) == (0, ""):
            await self._runtime.mesh.apply(
                [*(m.traffic("monolith") for m in MODULES), TRAFFIC / "edge-rest-monolith.yaml"]
            )
        await self.state.prepare()
        await self._runtime.telemetry.report("figtree_shape", (await self.state.position())[0])

    async def forward(self, between: Between | None = None) -> Report:
        """Take the next step, or finish the one that is under way. Raises GateRefused, or Held if a lock is not freed:
        every user is then at the side that is right, and this method or `back` goes on from there.
        """
        waiting.set(self._waiting)
        async with self.state.alone():
            number, under_way = await self.state.position()
            if number == LAST:
                raise ValueError("the monolith is gone already; there is no further step")
            if under_way and (await self.state.phases())[under_way] == phases.LEAVING:
                await self._go_back()
            report = Report(SHAPES[number + 1], "forward")
            if number + 1 == LAST:
                await self._retire(report)
            else:
                async with self._guard(MODULES[number], report):
                    await strangle(self._context, MODULES[number], report, between)
            return await self._report_end(report)

    async def back(self) -> Report:
        """Undo the last step, or the one that is under way, without losing a row. Raises as `forward` does."""
        waiting.set(self._waiting)
        async with self.state.alone():
            return await self._go_back()

    async def _go_back(self) -> Report:
        number, under_way = await self.state.position()
        if number == 0 and not under_way:
            raise ValueError("the system is in its first shape; there is nothing to go back to")
        report = Report(SHAPES[number if under_way else number - 1], "back")
        if number == LAST:
            await self._restore(report)
        else:
            module = BY_NAME[under_way] if under_way else MODULES[number - 1]
            async with self._guard(module, report):
                await return_(self._context, module, report)
        return await self._report_end(report)

    @asynccontextmanager
    async def _guard(self, module: Module, report: Report) -> AsyncIterator[None]:
        self._context.unsettled = False
        async with guarded(self._runtime, module.name, report.step) as guard:
            try:
                yield
            finally:
                guard.needed = self._context.unsettled

    async def _report_end(self, report: Report) -> Report:
        report.ended = time.time()
        number, _ = await self.state.position()
        await self._runtime.telemetry.report("figtree_shape", number)
        seconds = report.ended - report.begun
        await self._runtime.telemetry.report(
            "figtree_step_seconds", seconds, step=report.step, direction=report.direction
        )
        return report

    async def health(self) -> list[Health]:
        """Of each module and direction that is replicated."""
        return await survey(self._runtime, await self.state.phases())

    async def copy(self, module: Module) -> Comparison:
        """Copy all rows anew to the side that nobody reads or writes, and compare them."""
        waiting.set(self._waiting)
        async with self.state.alone():
            (where,) = [one for one in await self.state.whereabouts() if one.module == module.name]
            direction: Direction = "back" if where.phase == phases.STRANGLED else "forward"
            if where.phase == phases.IN_PROCESS:
                raise ValueError(f"{module.name} is not replicated now: `figtree step` copies it")
            if where.phase == phases.LEAVING or (direction == "forward" and where.reads):
                raise ValueError(
                    f"users read the copy of {module.name} now ({where}): `figtree back` first, or `figtree step`"
                )
            publisher, subscriber = ends(module, direction)
            report = Report(f"copy {module.name}", direction)
            with self._context.phase(
                report, f"copy every row of {module.name} from {publisher} to {subscriber}"
            ):
                # Both: emptying the copy would else flow back to where its rows come from.
                for either in ("forward", "back"):
                    await self.replication.stop(module, either)
                await fence.raise_(self._runtime, subscriber, module)
                await self.replication.start(module, direction, copy=True)
                rows = await self.replication.copied(module, direction)
                await self.state.note(report.step, f"{module.name} is copied anew", rows=rows)
            return await self._context.verify(module, direction)

    async def verify(self, module: Module) -> Comparison:
        """Compare all rows of a module that is replicated; says at once why it is not, or what stops it."""
        for direction in ("back", "forward") if await self._is_strangled(module) else ("forward", "back"):
            if (found := await health(self._runtime, module, direction)) is None:
                continue
            if found.hopeless or found.error:
                raise Lagging(f"{module.name}: replication {direction} is {found}")
            return await self._context.verify(module, direction)
        raise ValueError(f"{module.name} is not replicated now: the monolith alone has its tables")

    async def _is_strangled(self, module: Module) -> bool:
        return (await self.state.phases())[module.name] == phases.STRANGLED

    async def _retire(self, report: Report) -> None:
        with self._context.phase(
            report, "eliminate: the monolith loses its traffic, its process and its access"
        ):
            await self._context.enter(GATEWAY)
            await asyncio.sleep(SETTLE)
            await self._context.stop(MONOLITH)
            async with connected(self._runtime, MONOLITH) as db:
                await db.execute(ARCHIVE)
            await self.state.set(MONOLITH, phases.STRANGLED, report.step)

    async def _restore(self, report: Report) -> None:
        with self._context.phase(
            report, "back: the monolith gets its access, its process and its traffic again"
        ):
            async with connected(self._runtime, MONOLITH) as db:
                await db.execute(RESTORE)
            await self._context.start(MONOLITH)
            await self._context.enter(MONOLITH)
            await self.state.set(MONOLITH, phases.IN_PROCESS, report.step)
