"""Transform, co-exist, eliminate: one module leaves the monolith."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from strangler import fence, mirror, sequences
from strangler import state as phases
from strangler.context import GATEWAY, Report, StepContext, reason
from strangler.database import MONOLITH
from strangler.gate import GateRefused
from strangler.module import Module

Between = Callable[[str], Awaitable[None]]  # called when a module co-exists, before the gate
LOG_FLUSH = 1.2  # seconds until a sidecar has written its log
LOOKS = 5  # into the logs, until a pair is there: a busy machine may be late


async def strangle(context: StepContext, module: Module, report: Report, between: Between | None) -> None:
    """All phases that are still to be done; each can be repeated, so whoever finds a step half done goes on with it."""
    await _start(context, module, report)
    if not await fence.is_raised(
        context.runtime, MONOLITH, module
    ):  # else: cut over already, then interrupted
        if (await context.state.phases())[module.name] == phases.IN_PROCESS:
            await _transform(context, module, report)
        retreat = partial(context.route, module, MONOLITH)
        try:
            async with context.synchronous(module, "forward", retreat):
                await _coexist(context, module, report)
                if between is not None:
                    await between(module.name)
                await _eliminate(context, module, report)
        except BaseException as failure:
            await context.put_right(report, take_reads_back(context, module, report, failure))
            raise
    await _conclude(context, module, report)


async def _start(context: StepContext, module: Module, report: Report) -> None:
    """The workloads that the step needs, those too that somebody stopped while it was under way."""
    running = await context.running()
    needed = (module.name, *module.newcomers, *([GATEWAY] if context.meshed else []))
    if missing := [name for name in needed if name not in running]:
        with context.phase(report, f"transform: start {', '.join(missing)}"):
            for workload in missing:
                await context.start(workload)


async def _transform(context: StepContext, module: Module, report: Report) -> None:
    with context.phase(report, f"transform: copy {module.name}'s rows"):
        for newcomer in module.newcomers:
            await context.seed(newcomer)
        if context.meshed:
            await context.runtime.mesh.apply(module.newcomer_traffic)
        await fence.raise_(context.runtime, module.name, module)
        await context.replication.start(module, "forward", copy=True)
        report.rows = await context.replication.copied(module, "forward")
        await context.replication.caught_up(module, "forward")
        await context.state.set(module.name, phases.REPLICATED, report.step, rows=report.rows)


async def _coexist(context: StepContext, module: Module, report: Report) -> None:
    with context.phase(report, f"co-exist: compare every row of {module.name}"):
        await context.compare(module, "forward")
    if context.meshed:
        await _mirror(context, module, report)
    else:
        await context.state.set(module.name, phases.SHARED, report.step)
    for share in module.shares if context.meshed else ("100",):
        with context.phase(report, f"co-exist: {share} % to {module.name}"):
            context.refuse_if_stalled(module)
            await context.route(module, share)
            await context.state.reads(module.name, int(share))
            await context.share(module, "forward")
    if not module.written_live:
        await context.place(module, "remote")


async def take_reads_back(context: StepContext, module: Module, report: Report, why: BaseException) -> None:
    """The monolith is still the writer: it answers all reads again, until the next step begins anew."""
    if await fence.is_raised(context.runtime, MONOLITH, module):
        return  # cut over already: both sides are fed, and the next step finishes this one
    with context.phase(report, f"co-exist: all reads of {module.name} go back to the monolith"):
        await context.place(module, "local")  # first: it needs the database alone
        await context.route(module, MONOLITH)
        await context.state.reads(module.name, 0, reason(why))
        await context.state.note(
            report.step, f"reads of {module.name} went back to the monolith", why=reason(why)
        )


async def _mirror(context: StepContext, module: Module, report: Report) -> None:
    with context.phase(report, f"co-exist: mirror {' '.join(module.prefixes)}"):
        await context.route(module, "mirror")
        try:
            begun = time.time()
            for _ in range(LOOKS):
                await context.probe(module)
                await asyncio.sleep(context.dwell + LOG_FLUSH)
                seen = await mirror.verdict(context.runtime, module.prefixes, begun)
                if seen.pairs:
                    break
        finally:
            await context.route(module, MONOLITH)
    report.pairs, report.mismatches = seen.pairs, seen.mismatches
    for verdict, count in (("same", seen.pairs - seen.mismatches), ("different", seen.mismatches)):
        await context.runtime.telemetry.report(
            "figtree_mirror_answers_total", count, subject=module.name, verdict=verdict
        )
    figures = {"pairs": seen.pairs, "mismatches": seen.mismatches, "examples": seen.examples}
    await context.state.set(module.name, phases.SHARED, report.step, **figures)
    if not seen.pairs:
        raise GateRefused(module.name, ["no answer was mirrored"])
    if seen.mismatches:
        raise GateRefused(
            module.name, [f"{seen.mismatches} of {seen.pairs} mirrored answers differ", *seen.examples]
        )


async def _eliminate(context: StepContext, module: Module, report: Report) -> None:
    with context.phase(report, f"eliminate: compare every row of {module.name}"):
        await fence.raise_(
            context.runtime, module.name, module
        )  # an interrupted cut-over may have left it open
        await context.check(module, "forward", report)
    with context.phase(report, f"eliminate: {module.name} becomes the writer"):
        await context.replication.start(module, "back", copy=False)
        await context.replication.caught_up(module, "back")
        begun = time.monotonic()
        async with fence.raising(context.runtime, MONOLITH, module):
            await context.last_look(module, "forward")
            await sequences.carry_over(context.runtime, module, "forward")
            await context.replication.asynchronous(module)
            await fence.lift(context.runtime, module.name, module)
        report.pause = time.monotonic() - begun
        await context.runtime.telemetry.report(
            "figtree_writers_held_seconds", report.pause, module=module.name
        )


async def _conclude(context: StepContext, module: Module, report: Report) -> None:
    with context.phase(
        report, f"eliminate: {module.name} gets all traffic, changes flow back to the monolith"
    ):
        await context.replication.asynchronous(module)
        await fence.lift(context.runtime, module.name, module)
        await context.route(module, module.done)
        await context.place(module, "remote")
        await context.replication.stop(module, "forward")
        await context.state.set(
            module.name, phases.STRANGLED, report.step, pause_seconds=round(report.pause, 4)
        )
