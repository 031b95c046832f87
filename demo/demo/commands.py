"""How a command does its work: what goes wrong in ordinary use is a sentence and an exit status, never a traceback."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import typer
from loadtests.control import LoadError

from demo.display import errors
from demo.runtimes.runtime import Refused, RuntimeFailure
from demo.strangler.gate import GateRefused
from demo.strangler.replication import Lagging

T = TypeVar("T")

REFUSED = 3  # exit status when the gate or the mesh says no


def carry_out(work: Awaitable[T]) -> T:
    async def awaited() -> T:
        return await work

    try:
        return asyncio.run(awaited())
    except (GateRefused, Refused) as refusal:
        errors.print(f"[bold red]refused:[/] {refusal}", soft_wrap=True)
        raise typer.Exit(REFUSED) from None
    except (RuntimeFailure, LoadError, Lagging, ValueError, OSError) as problem:
        errors.print(f"[bold red]error:[/] {problem}", soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
