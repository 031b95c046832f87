"""The way back: a module returns into the monolith, which has all its rows."""

import asyncio
import time
from functools import partial

from strangler import fence, sequences
from strangler import state as phases
from strangler.context import GATEWAY, SETTLE, Report, StepContext, reason
from strangler.database import MONOLITH, connected
from strangler.module import Module


async def return_(context: StepContext, module: Module, report: Report) -> None:
    """Undo the module's step, from whichever phase it is in; each phase can be repeated."""
    phase = (await context.state.phases())[module.name]
    cut_over = await fence.is_raised(context.runtime, MONOLITH, module)
    if cut_over or phase in (phases.STRANGLED, phases.LEAVING):
        if cut_over:
            await _hand_over(context, module, report)
        else:  # interrupted: the monolith is the writer again already
            await context.state.set(module.name, phases.LEAVING, report.step)
        await fence.raise_(context.runtime, module.name, module)
        if await context.replication.runs(module, "back"):
            await context.replication.caught_up(module, "back")
        if module.on_return:
            async with connected(context.runtime, MONOLITH) as db:
                await db.execute(module.on_return)
    await _leave(context, module, report)


async def _hand_over(context: StepContext, module: Module, report: Report) -> None:
    """Reads, then writes return to the monolith after every row was compared; else they stay at the service."""
    # An interrupted step forward may have left it closed.
    await fence.lift(context.runtime, module.name, module)
    try:
        with context.phase(report, f"back: compare every row of {module.name}"):
            await context.compare(module, "back")
        await context.state.set(module.name, phases.LEAVING, report.step)
        async with context.synchronous(module, "back", partial(_read_at_the_service, context, module)):
            await _read_here_again(context, module, report)
            await _write_here_again(context, module, report)
    except BaseException as failure:
        await context.put_right(report, stay(context, module, report, failure))
        raise


async def stay(context: StepContext, module: Module, report: Report, why: BaseException) -> None:
    """The service is still the writer: it answers all reads again."""
    if not await fence.is_raised(context.runtime, MONOLITH, module):
        return  # the monolith is the writer already, and the next step back finishes this one
    with context.phase(report, f"back: {module.name} keeps all reads and writes"):
        await _read_at_the_service(context, module)
        await context.state.set(module.name, phases.STRANGLED, report.step)
        await context.state.reads(module.name, 100, reason(why))


async def _read_at_the_service(context: StepContext, module: Module) -> None:
    await context.place(module, "remote")  # first: it needs the database alone
    await context.route(module, module.done)


async def _read_here_again(context: StepContext, module: Module, report: Report) -> None:
    with context.phase(report, f"back: the monolith reads {module.name} again"):
        await context.replication.caught_up(module, "back")
        context.refuse_if_stalled(module)
        await context.place(module, "local")
        await context.route(module, MONOLITH)
        await context.state.reads(module.name, 0)
        await asyncio.sleep(SETTLE)


async def _write_here_again(context: StepContext, module: Module, report: Report) -> None:
    with context.phase(report, f"back: the monolith becomes the writer of {module.name}"):
        await context.check(module, "back", report)
        begun = time.monotonic()
        async with fence.raising(context.runtime, module.name, module):
            await context.last_look(module, "back")
            await sequences.carry_over(context.runtime, module, "back")
            await context.replication.asynchronous(module)
            await fence.lift(context.runtime, MONOLITH, module)
        report.pause = time.monotonic() - begun


async def _leave(context: StepContext, module: Module, report: Report) -> None:
    with context.phase(report, f"back: {module.name} leaves"):
        await context.place(module, "local")
        await context.route(module, MONOLITH)
        if context.meshed:
            await context.runtime.mesh.delete(module.newcomer_traffic)
        await context.replication.asynchronous(module)
        await asyncio.sleep(SETTLE)
        await context.replication.stop(module, "forward")
        await context.replication.stop(module, "back")
        for workload in (module.name, *module.newcomers):
            await context.stop(workload)
        await context.state.set(module.name, phases.IN_PROCESS, report.step)
        if (await context.state.position())[0] == 0:
            await context.stop(GATEWAY)
