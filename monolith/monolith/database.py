"""The one database that all modules share."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rest_api.errors import Overloaded, TooLate, Unavailable
from service_kit.context import current
from sqlalchemy import Executable, MetaData, Row, make_url
from sqlalchemy import exc as sql
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tracing.sql import statement_span

UNREACHABLE = ("08", "53", "57P", "58")  # SQLSTATE classes: connection, resources, shutdown, system
AGAIN = "please repeat the request"

metadata = MetaData()


def open_engine(url: str, *, extra_connections: int = 0) -> AsyncEngine:
    """Each statement is its own transaction, in one round trip: what belongs together is one statement.

    `extra_connections` counts the connections that are held for longer than a statement, such as one that listens.
    """
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        isolation_level="AUTOCOMMIT",
        pool_size=10,
        max_overflow=extra_connections,
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
    """The monolith's database: one statement per call."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def rows(
        self, statement: Executable, values: Mapping[str, object] | None = None
    ) -> Sequence[Row[Any]]:
        """All rows of one statement, which may safely run twice: a dead connection is replaced once."""
        try:
            return await self._run(statement, values)
        except Unavailable as error:
            if not getattr(error.__cause__, "connection_invalidated", False):
                raise
        return await self._run(statement, values)

    async def _run(self, statement: Executable, values: Mapping[str, object] | None) -> Sequence[Row[Any]]:
        with statement_span(statement, current().headers, "monolith"):
            return await self.execute(statement, values)

    async def execute(self, statement: Executable, values: Mapping[str, object] | None) -> Sequence[Row[Any]]:
        """All rows of one statement, run once. Raises EdgeError if the database is slow, busy or away."""
        with _translating():
            async with self._engine.connect() as connection:
                result = await connection.execute(statement, values)
                return result.all() if result.returns_rows else ()


def sqlstate(error: sql.DBAPIError) -> str:
    """The five characters by which PostgreSQL names an error, or an empty string."""
    return getattr(error.orig, "sqlstate", None) or ""


@contextmanager
def _translating() -> Iterator[None]:
    try:
        yield
    except sql.DBAPIError as error:
        state = sqlstate(error)
        if error.connection_invalidated or state.startswith(UNREACHABLE):
            raise Unavailable(AGAIN) from error
        raise
    except sql.TimeoutError as error:
        raise Overloaded("too many requests wait for the database") from error
    except TimeoutError as error:
        raise TooLate("the database did not answer in time") from error
    except OSError as error:
        raise Unavailable(AGAIN) from error
