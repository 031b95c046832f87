"""A process that outlives the command: it brings users to the side that is right if the command is killed.

The command holds the other end of this process' standard input. It sends what `undo` needs, and DONE when the step has
ended; the end of the input without DONE means that nobody else is left to put things right.
"""

import asyncio
import contextlib
import os
import pickle
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.api import Runtime

DONE = b"done"  # a pickle ends with a full stop
PATIENCE = 120.0  # seconds for which a system that does not answer is tried again
KILLED = "the command that took the step was killed"


class Guard:
    """The command's end of it. `needed` says that the command could not put things right itself."""

    def __init__(self) -> None:
        self.needed = False


def _spawn() -> tuple[int, int]:
    """The guard's process id, and the end of the pipe that it reads; no other child of ours inherits that end."""
    reader, writer = os.pipe()
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "strangler.guard"],
            os.environ,
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, mine, its) for mine, its in ((reader, 0), (nothing, 1), (nothing, 2))
            ],
        )
    finally:
        os.close(reader)
        os.close(nothing)
    return pid, writer


@asynccontextmanager
async def guarded(runtime: "Runtime", module: str, step: str) -> AsyncIterator[Guard]:
    """Inside the block a killed command is undone."""
    content, guard = pickle.dumps((runtime, module, step)), Guard()
    pid, pipe = _spawn()
    try:
        os.write(pipe, content)
        yield guard
    finally:
        if not guard.needed:
            with contextlib.suppress(BrokenPipeError):  # somebody has ended the guard
                os.write(pipe, DONE)
        os.close(pipe)
        if not guard.needed:
            await asyncio.to_thread(os.waitpid, pid, 0)


async def undo(runtime: "Runtime", name: str, step: str) -> None:
    """Nobody waits for a replica, and reads are at the writer's side.

    Raises StepUnderWay if another command goes on.
    """
    # The heavy imports come when they are needed: hardly any guard ever needs them.
    from strangler import state as phases
    from strangler.back import stay
    from strangler.context import Report, StepContext
    from strangler.forward import take_reads_back
    from strangler.modules import BY_NAME

    context, module, why = StepContext(runtime, 0.0, lambda *_: None), BY_NAME[name], RuntimeError(KILLED)
    async with context.state.alone():
        await context.replication.asynchronous(module)
        match (await context.state.phases())[name]:
            case phases.IN_PROCESS:
                await context.replication.stop(module, "forward")  # a slot that nobody reads keeps the log
            case phases.REPLICATED | phases.SHARED:
                await take_reads_back(context, module, Report(step, "forward"), why)
            case phases.LEAVING:
                await stay(context, module, Report(step, "back"), why)


async def _retry(runtime: "Runtime", name: str, step: str) -> None:
    from strangler.state import StepUnderWay

    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(Exception):  # whatever it is, nobody is left who could be told
            try:
                await undo(runtime, name, step)
            except StepUnderWay:  # it puts things right itself
                return
            return
        await asyncio.sleep(0.5)


def main() -> None:
    """Wait for the end of the parent; undo its step unless it said that it was done."""
    content = sys.stdin.buffer.read()
    if not content.endswith(DONE):
        asyncio.run(_retry(*pickle.loads(content)))  # noqa: S301  # written by our own command


if __name__ == "__main__":
    main()
