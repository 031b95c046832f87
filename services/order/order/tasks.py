"""Tasks that end together. A cancellation can get lost (in `asyncio.wait_for` before Python 3.12), so we insist."""

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import asynccontextmanager
from typing import Any

Work = Coroutine[Any, Any, None]


async def stop(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel the tasks until they have ended."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=0.5)


async def until_one_ends(*works: Work) -> None:
    """Run all; when one ends or fails, or we are cancelled, stop the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await stop(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()


@asynccontextmanager
async def background(work: Work) -> AsyncIterator[None]:
    """Run the work until the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await stop([task])
