"""How a command does its work: what goes wrong in ordinary use is a sentence and an exit status, never a traceback."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg
import httpx
from loadtests.control import LoadError

from demo.display import errors, styled
from demo.runtimes.runtime import Refused, RuntimeFailure
from demo.strangler.gate import GateRefused
from demo.strangler.replication import Lagging

T = TypeVar("T")

REFUSED = 3  # exit status when the gate or the mesh says no


def carry_out(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except (GateRefused, Refused) as refusal:
        errors.print(styled("[bold red]refused:[/] {}", refusal), soft_wrap=True)
        sys.exit(REFUSED)
    except (RuntimeFailure, LoadError, Lagging, ValueError, OSError) as problem:
        errors.print(styled("[bold red]error:[/] {}", problem), soft_wrap=True)
        sys.exit(1)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        errors.print(styled("[bold red]error:[/] the database says: {}; try again", problem), soft_wrap=True)
        sys.exit(1)
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        what = f"{type(problem).__name__} {problem}".strip()
        errors.print(styled("[bold red]error:[/] no answer over HTTP: {}; try again", what), soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
