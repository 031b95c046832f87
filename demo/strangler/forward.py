"""Transform, co-exist, eliminate: one module leaves the monolith."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from strangler import fence, mirror
from strangler import state as phases
from strangler.database import MONOLITH
from strangler.gate import GateRefused
from strangler.modules import Module, newcomer_traffic
from strangler.tools import GATEWAY, Report, Tools, reason

Between = Callable[[str], Awaitable[None]]  # called when a module co-exists, before the gate
LOG_FLUSH = 1.2  # seconds until a sidecar has written its log
LOOKS = 5  # into the logs, until a pair is there: a busy machine may be late
SHARES = ("10", "50", "100")


async def strangle(tools: Tools, module: Module, report: Report, between: Between | None) -> None:
    """All phases that are still to be done; each can be repeated, so whoever finds a step half done goes on with it."""
    await _start(tools, module, report)
    if not await fence.is_closed(tools.runtime, MONOLITH, module):  # else: cut over already, then interrupted
        if (await tools.state.phases())[module.name] == phases.IN_PROCESS:
            await _transform(tools, module, report)
        try:
            async with tools.synchronous(module, "forward"):
                await _coexist(tools, module, report)
                if between is not None:
                    await between(module.name)
                await _eliminate(tools, module, report)
        except BaseException as failure:
            await tools.put_right(report, take_reads_back(tools, module, report, failure))
            raise
    await _conclude(tools, module, report)


async def _start(tools: Tools, module: Module, report: Report) -> None:
    """The workloads that the step needs, those too that somebody stopped while it was under way."""
    running = await tools.running()
    if missing := [name for name in (module.name, *module.newcomers, GATEWAY) if name not in running]:
        with tools.phase(report, f"transform: start {', '.join(missing)}"):
            for workload in missing:
                await tools.start(workload)


async def _transform(tools: Tools, module: Module, report: Report) -> None:
    with tools.phase(report, f"transform: copy {module.name}'s rows"):
        for newcomer in module.newcomers:
            await tools.seed(newcomer)
        await tools.runtime.apply(newcomer_traffic(module))
        await fence.close(tools.runtime, module.name, module)
        await tools.replication.start(module, "forward", copy=True)
        report.rows = await tools.replication.copied(module, "forward")
        await tools.replication.caught_up(module, "forward")
        await tools.state.set(module.name, phases.REPLICATED, report.step, rows=report.rows)


async def _coexist(tools: Tools, module: Module, report: Report) -> None:
    with tools.phase(report, f"co-exist: compare every row of {module.name}"):
        await tools.compare(module, "forward")
    await _mirror(tools, module, report)
    for share in SHARES:
        with tools.phase(report, f"co-exist: {share} % to {module.name}"):
            await tools.runtime.apply([module.traffic(share)])
            await tools.state.reads(module.name, int(share))
            await tools.share(module, "forward")
    if not module.written_live:
        await tools.place(module, "remote")


async def take_reads_back(tools: Tools, module: Module, report: Report, why: BaseException) -> None:
    """The monolith is still the writer: it answers all reads again, until the next step begins anew."""
    if await fence.is_closed(tools.runtime, MONOLITH, module):
        return  # cut over already: both sides are fed, and the next step finishes this one
    with tools.phase(report, f"co-exist: all reads of {module.name} go back to the monolith"):
        await tools.place(module, "local")  # first: it needs the database alone
        await tools.runtime.apply([module.traffic("monolith")])
        await tools.state.reads(module.name, 0, reason(why))
        await tools.state.note(
            report.step, f"reads of {module.name} went back to the monolith", why=reason(why)
        )


async def _mirror(tools: Tools, module: Module, report: Report) -> None:
    with tools.phase(report, f"co-exist: mirror {' '.join(module.prefixes)}"):
        await tools.runtime.apply([module.traffic("mirror")])
        try:
            begun = time.time()
            for _ in range(LOOKS):
                await tools.probe(module)
                await asyncio.sleep(tools.dwell + LOG_FLUSH)
                seen = await mirror.verdict(tools.runtime, module.prefixes, begun)
                if seen.pairs:
                    break
        finally:
            await tools.runtime.apply([module.traffic("monolith")])
    report.pairs, report.mismatches = seen.pairs, seen.mismatches
    for verdict, count in (("same", seen.pairs - seen.mismatches), ("different", seen.mismatches)):
        await tools.runtime.report(
            "figtree_mirror_answers_total", count, subject=module.name, verdict=verdict
        )
    figures = {"pairs": seen.pairs, "mismatches": seen.mismatches, "examples": seen.examples}
    await tools.state.set(module.name, phases.SHARED, report.step, **figures)
    if not seen.pairs:
        raise GateRefused(module.name, ["no answer was mirrored"])
    if seen.mismatches:
        raise GateRefused(
            module.name, [f"{seen.mismatches} of {seen.pairs} mirrored answers differ", *seen.examples]
        )


async def _eliminate(tools: Tools, module: Module, report: Report) -> None:
    with tools.phase(report, f"eliminate: compare every row of {module.name}"):
        await fence.close(tools.runtime, module.name, module)  # an interrupted cut-over may have left it open
        await tools.check(module, "forward", report)
    with tools.phase(report, f"eliminate: {module.name} becomes the writer"):
        await tools.replication.start(module, "back", copy=False)
        await tools.replication.caught_up(module, "back")
        begun = time.monotonic()
        async with fence.closing(tools.runtime, MONOLITH, module):
            await tools.last_look(module, "forward")
            await tools.replication.asynchronous(module)
            await fence.open_(tools.runtime, module.name, module)
        report.pause = time.monotonic() - begun
        await tools.runtime.report("figtree_writers_held_seconds", report.pause, module=module.name)


async def _conclude(tools: Tools, module: Module, report: Report) -> None:
    with tools.phase(report, f"eliminate: {module.name} gets all traffic, changes flow back to the monolith"):
        await tools.replication.asynchronous(module)
        await fence.open_(tools.runtime, module.name, module)
        await tools.runtime.apply([module.done_traffic])
        await tools.place(module, "remote")
        await tools.replication.stop(module, "forward")
        await tools.state.set(
            module.name, phases.STRANGLED, report.step, pause_seconds=round(report.pause, 4)
        )
