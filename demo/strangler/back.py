"""The way back: a module returns into the monolith, which has all its rows."""

import asyncio
import time

from strangler import fence
from strangler import state as phases
from strangler.database import MONOLITH, connected
from strangler.modules import Module, newcomer_traffic
from strangler.tools import GATEWAY, SETTLE, Report, Tools, reason


async def return_(tools: Tools, module: Module, report: Report) -> None:
    """Undo the module's step, from whichever phase it is in; each phase can be repeated."""
    phase = (await tools.state.phases())[module.name]
    cut_over = await fence.is_closed(tools.runtime, MONOLITH, module)
    if cut_over or phase in (phases.STRANGLED, phases.LEAVING):
        if cut_over:
            await _hand_over(tools, module, report)
        else:  # interrupted: the monolith is the writer again already
            await tools.state.set(module.name, phases.LEAVING, report.step)
        await fence.close(tools.runtime, module.name, module)
        if await tools.replication.runs(module, "back"):
            await tools.replication.caught_up(module, "back")
        if module.on_return:
            async with connected(tools.runtime, MONOLITH) as db:
                await db.execute(module.on_return)
    await _leave(tools, module, report)


async def _hand_over(tools: Tools, module: Module, report: Report) -> None:
    """Reads, then writes return to the monolith after every row was compared; else they stay at the service."""
    # An interrupted step forward may have left it closed.
    await fence.open_(tools.runtime, module.name, module)
    try:
        with tools.phase(report, f"back: compare every row of {module.name}"):
            await tools.compare(module, "back")
        await tools.state.set(module.name, phases.LEAVING, report.step)
        async with tools.synchronous(module, "back"):
            await _read_here_again(tools, module, report)
            await _write_here_again(tools, module, report)
    except BaseException as failure:
        await tools.put_right(report, stay(tools, module, report, failure))
        raise


async def stay(tools: Tools, module: Module, report: Report, why: BaseException) -> None:
    """The service is still the writer: it answers all reads again."""
    if not await fence.is_closed(tools.runtime, MONOLITH, module):
        return  # the monolith is the writer already, and the next step back finishes this one
    with tools.phase(report, f"back: {module.name} keeps all reads and writes"):
        await tools.place(module, "remote")  # first: it needs the database alone
        await tools.runtime.apply([module.done_traffic])
        await tools.state.set(module.name, phases.STRANGLED, report.step)
        await tools.state.reads(module.name, 100, reason(why))


async def _read_here_again(tools: Tools, module: Module, report: Report) -> None:
    with tools.phase(report, f"back: the monolith reads {module.name} again"):
        await tools.replication.caught_up(module, "back")
        await tools.place(module, "local")
        await tools.runtime.apply([module.traffic("monolith")])
        await tools.state.reads(module.name, 0)
        await asyncio.sleep(SETTLE)


async def _write_here_again(tools: Tools, module: Module, report: Report) -> None:
    with tools.phase(report, f"back: the monolith becomes the writer of {module.name}"):
        await tools.check(module, "back", report)
        begun = time.monotonic()
        async with fence.closing(tools.runtime, module.name, module):
            await tools.last_look(module, "back")
            await tools.replication.asynchronous(module)
            await fence.open_(tools.runtime, MONOLITH, module)
        report.pause = time.monotonic() - begun


async def _leave(tools: Tools, module: Module, report: Report) -> None:
    with tools.phase(report, f"back: {module.name} leaves"):
        await tools.place(module, "local")
        await tools.runtime.apply([module.traffic("monolith")])
        await tools.runtime.delete(newcomer_traffic(module))
        await tools.replication.asynchronous(module)
        await asyncio.sleep(SETTLE)
        await tools.replication.stop(module, "forward")
        await tools.replication.stop(module, "back")
        for workload in (module.name, *module.newcomers):
            await tools.stop(workload)
        await tools.state.set(module.name, phases.IN_PROCESS, report.step)
        if (await tools.state.position())[0] == 0:
            await tools.stop(GATEWAY)
