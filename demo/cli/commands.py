"""How a command does its work: what goes wrong in ordinary use is a sentence and an exit status, never a traceback."""

import asyncio
import contextlib
import sys
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import asyncpg
import grpc
import httpx
import psutil
import yaml
from loadtests.control import LoadError
from pydantic import ValidationError
from runtime.api import Refused, RuntimeFailure
from strangler.gate import GateRefused
from strangler.replication import Lagging
from telemetry.prometheus import PrometheusFailure

from cli.display import errors, styled

T = TypeVar("T")

REFUSED = 3  # exit status when the gate or the mesh says no


def carry_out(work: Coroutine[Any, Any, T]) -> T:
    with telling():
        return asyncio.run(work)


@contextlib.contextmanager
def telling() -> Iterator[None]:
    """End the command with a sentence and a status where the block fails."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        first: BaseException = error
        while isinstance(first, BaseExceptionGroup):  # of several tasks at once: the first that failed
            first = first.exceptions[0]
        if isinstance(first, GateRefused | Refused):
            errors.print(styled("[bold red]refused:[/] {}", first), soft_wrap=True)
            sys.exit(REFUSED)
        if (text := sentence(first)) is None:
            raise
        errors.print(styled("[bold red]error:[/] {}", text), soft_wrap=True)
        sys.exit(1)


def sentence(error: BaseException) -> str | None:
    """What went wrong, for a user; None for a fault of the program itself."""
    text = str(error).strip() or type(error).__name__
    match error:
        case ValidationError():
            return "; ".join(f"{_setting(one)}: {one['msg']}, not {one['input']!r}" for one in error.errors())
        case asyncpg.PostgresError() | asyncpg.InterfaceError() | asyncpg.InternalClientError():
            return f"the database says: {text}; try again"
        case httpx.HTTPError() | httpx.InvalidURL() | httpx.StreamError():
            return f"no answer over HTTP: {type(error).__name__} {error}".strip() + "; try again"
        case grpc.RpcError():
            return f"no answer over gRPC: {text}; try again"
        case TimeoutError():
            return f"no answer in time ({text}); `figtree status` shows what runs; try again"
        case (
            psutil.Error()
            | yaml.YAMLError()
            | RuntimeFailure()
            | LoadError()
            | PrometheusFailure()
            | Lagging()
            | ValueError()
            | OSError()
        ):
            return text
    return None


def _setting(one: Any) -> str:
    """The variable that a user sets, or the field of a document."""
    return ".".join(str(part) for part in one["loc"]).upper()
