"""A part of the infrastructure that is away for a while."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runtime.api import Infrastructure

from scenes.engine.stage import Stage


@asynccontextmanager
async def outage(stage: Stage, name: Infrastructure) -> AsyncIterator[None]:
    """Away inside the block, back and ready behind it, whatever happened."""

    async def back() -> None:
        await stage.runtime.faults.start_infrastructure(name)

    stage.undo.append(back)
    await stage.cause(
        f"kill {name}, and keep it away", lambda: stage.runtime.faults.stop_infrastructure(name)
    )
    try:
        yield
    finally:
        await back()
