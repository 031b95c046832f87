"""What a write does that meets the fence, the trigger by which the strangler stops every writer but one."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import asyncpg
from common.conventions import FENCED
from rest_api.errors import NotTheWriter, Unavailable
from sqlalchemy import Executable, Row
from sqlalchemy.exc import DBAPIError

from monolith import backoffice
from monolith.database import Database, sqlstate
from monolith.order.fulfilment import REST, Fulfilment
from monolith.seams.placement import LocalOrRemote

# Seconds before each change of sides; more than one is needed during a cut-over only.
PAUSES = (0.0, 0.2, 0.5)

Port = TypeVar("Port")
Answer = TypeVar("Answer")


class FencedDatabase(Database):
    """Raises NotTheWriter for a statement that the fence refuses."""

    async def execute(self, statement: Executable, values: Mapping[str, object] | None) -> Sequence[Row[Any]]:
        """As without the fence. Raises NotTheWriter if the fence refuses the write."""
        try:
            return await super().execute(statement, values)
        except DBAPIError as error:
            if sqlstate(error) == FENCED:
                raise NotTheWriter from error
            raise


async def write_at_the_writer(
    port: LocalOrRemote[Port], write: Callable[[Port], Awaitable[Answer]]
) -> Answer:
    """Write on the side where the module is placed; if that side is not the writer, on the other one.

    Raises Unavailable if, after three changes of sides, neither side was the writer when it was asked.
    """
    side, other = (port.remote, port.local) if port.is_remote else (port.local, port.remote)
    for pause in PAUSES:
        try:
            return await write(side)
        except NotTheWriter:
            side, other = other, side
            await asyncio.sleep(pause)
    try:
        return await write(side)
    except NotTheWriter:
        raise Unavailable("orders are moving; please repeat the request with the same key") from None


class FencedFulfilment(Fulfilment):
    """Waits while the other side is the writer."""

    async def run_once(self) -> None:
        """As without the fence; rests while the other side is the writer."""
        try:
            await super().run_once()
        except NotTheWriter:
            await asyncio.sleep(REST)


async def import_lines(url: str, module: str, lines: Iterable[bytes]) -> None:
    """The back office's import; if the fence refuses it, one line that names the command to use instead."""
    try:
        await backoffice.import_lines(url, module, lines)
    except asyncpg.PostgresError as error:
        if error.sqlstate != FENCED:
            raise
        sys.exit(f"the module {module} is written by its service now: {module} import")
