"""Calls of each shape while the processes that answer them are replaced."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scenes.engine.stage import Stage
from scenes.groups.grpc.shapes import CALLEES, Caller, Ended, as_gateway, complete

PAUSE = 0.02


async def rolling(stage: Stage) -> None:
    async with as_gateway(stage) as caller:
        caller.pause = 0.3  # a stream then lasts one and a half seconds, longer than the old process drains
        before = await _processes(stage)
        async with _keep_calling(caller) as ended:
            await stage.cause(
                "replace title, pricing and order while they are called",
                lambda: _replace_all(stage),
            )
            await asyncio.sleep(0.5)
        after = await _processes(stage)
        new = sum(before[name] != after[name] for name in CALLEES)
        stage.figure("processes replaced", f"{new} of {len(CALLEES)}")
        for shape, calls in ended.items():
            wrong = next((f": {one.status.name} {one.seen}" for one in calls if not one.complete), "")
            stage.figure(shape, f"{complete(calls)} of {len(calls)}", "calls complete")
            stage.expect(
                0 < complete(calls) == len(calls),
                f"{shape}: {complete(calls)} of {len(calls)} calls were complete{wrong}",
            )
        stage.expect(new == len(CALLEES), f"{new} of {len(CALLEES)} processes were replaced meanwhile")


async def _replace_all(stage: Stage) -> None:
    await asyncio.gather(*(stage.runtime.workloads.restart(name) for name in CALLEES))


async def _processes(stage: Stage) -> dict[str, str]:
    return {w.name: w.instance for w in await stage.runtime.workloads.statuses() if w.name in CALLEES}


@asynccontextmanager
async def _keep_calling(caller: Caller) -> AsyncIterator[dict[str, list[Ended]]]:
    """One call of each shape after the other, all the time inside the block."""
    ended: dict[str, list[Ended]] = {shape: [] for shape in caller.shapes}
    over = asyncio.Event()

    async def go_on(shape: str) -> None:
        while not over.is_set():
            ended[shape].append(await caller.call(shape))
            await asyncio.sleep(PAUSE)

    tasks = [asyncio.create_task(go_on(shape)) for shape in ended]
    try:
        yield ended
    finally:
        over.set()
        await asyncio.gather(*tasks)
