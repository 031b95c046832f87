"""The one database that all modules share."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from rest_api.errors import Moved, Overloaded, TooLate, Unavailable
from service_kit.context import current
from sqlalchemy import Executable, MetaData, Row, make_url
from sqlalchemy import exc as sql
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tracing.sql import statement_span

FENCED = "FT001"  # the strangler's trigger: this side is not the writer
UNREACHABLE = ("08", "53", "57P", "58")  # SQLSTATE classes: connection, resources, shutdown, system
AGAIN = "please repeat the request"

metadata = MetaData()


def open_engine(url: str) -> AsyncEngine:
    """Each statement is its own transaction, in one round trip: what belongs together is one statement."""
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        isolation_level="AUTOCOMMIT",
        pool_size=10,
        max_overflow=1,  # the one that listens
        pool_timeout=8,
        pool_reset_on_return=None,
        hide_parameters=True,
        connect_args={
            "timeout": 3,
            "command_timeout": 8,
            "server_settings": {"application_name": "monolith", "jit": "off"},
        },
    )


class Database:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def rows(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """All rows of one statement, which may safely run twice: a dead connection is replaced once."""
        try:
            return await self._run(statement, values)
        except Unavailable as error:
            if not getattr(error.__cause__, "connection_invalidated", False):
                raise
        return await self._run(statement, values)

    @asynccontextmanager
    async def listening(self, channel: str) -> AsyncIterator["Listening"]:
        async with self._engine.connect() as connection:
            ours: Any = (await connection.get_raw_connection()).driver_connection
            listening = Listening(ours)
            try:
                await ours.add_listener(channel, listening.tell)
                yield listening
            finally:
                await connection.invalidate()  # nobody else gets one that listens

    async def _run(self, statement: Executable, values: Mapping[str, Any] | None) -> Sequence[Row[Any]]:
        with statement_span(statement, current().headers, "monolith"), _translating():
            async with self._engine.connect() as connection:
                result = await connection.execute(statement, values)
                return result.all() if result.returns_rows else ()


class Listening:
    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._told = asyncio.Event()
        connection.add_termination_listener(self.tell)

    def tell(self, *_: object) -> None:
        self._told.set()

    async def told(self, seconds: float) -> None:
        """Until somebody notifies the channel, or for so long. Raises Unavailable if the connection is lost."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._told.wait()
        self._told.clear()
        if self._connection.is_closed():
            raise Unavailable(AGAIN)


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except sql.DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None) or ""
        if state == FENCED:
            raise Moved from error
        if error.connection_invalidated or state.startswith(UNREACHABLE):
            raise Unavailable(AGAIN) from error
        raise
    except sql.TimeoutError as error:
        raise Overloaded("too many requests wait for the database") from error
    except TimeoutError as error:
        raise TooLate("the database did not answer in time") from error
    except OSError as error:
        raise Unavailable(AGAIN) from error
