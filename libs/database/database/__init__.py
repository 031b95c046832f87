"""How every service uses its own database. Knows no service and no table."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service_kit.context import current
from sqlalchemy import Connection, Executable, make_url, text
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tracing.sql import statement_span

CANCELLED = "57014"  # by statement_timeout
OUT_OF_ORDER = ("08", "53", "57")  # SQLSTATE classes: connection, resources, an operator's shutdown


@dataclass(frozen=True, slots=True)
class Postgres:
    """One service's: its name, its revisions, and its own words for what a caller can do something about."""

    name: str
    migrations: Path
    unavailable: Callable[[], Exception]
    states: Mapping[str, Callable[[], Exception]] = field(default_factory=dict)  # by SQLSTATE

    @asynccontextmanager
    async def database(self, url: str, *, statement_timeout: float = 5.0) -> AsyncIterator[AsyncEngine]:
        """An engine whose connections commit each statement; `writing` gives a transaction. Seconds."""
        settings = {
            "application_name": self.name,
            "statement_timeout": str(int(statement_timeout * 1_000)),
            "jit": "off",  # compiling takes longer than any statement here
        }
        engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            isolation_level="AUTOCOMMIT",  # a statement then costs one round trip, not three
            pool_size=6,
            max_overflow=0,
            pool_timeout=4.0,
            pool_recycle=1800,
            connect_args={"server_settings": settings, "timeout": 3.0},
            hide_parameters=True,
        )
        try:
            yield engine
        finally:
            await engine.dispose()

    async def rows(
        self, engine: AsyncEngine, statement: Executable, values: Mapping[str, object] | None = None
    ) -> Sequence[Any]:
        """Run one statement that may safely run twice: one that meets a dead connection gets a new one."""
        with statement_span(statement, current().headers, self.name), self.translating():
            try:
                return await _rows(engine, statement, values)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            return await _rows(engine, statement, values)

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Errors in the service's words; those that nobody can do anything about stay as they are."""
        try:
            yield
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None) or ""
            if state in self.states:
                raise self.states[state]() from error
            if error.connection_invalidated or state == CANCELLED or state[:2] in OUT_OF_ORDER:
                raise self.unavailable() from error
            raise
        except (OSError, TimeoutError) as error:
            raise self.unavailable() from error

    async def migrate(self, url: str, revision: str = "head") -> None:
        """Bring the database to the revision, one process at a time."""
        with self.translating():
            async with (
                self.database(url, statement_timeout=0) as engine,
                writing(engine).begin() as connection,
            ):
                await connection.execute(text("select pg_advisory_xact_lock(7305)"))
                await connection.run_sync(self._migrate, revision)

    def _migrate(self, connection: Connection, revision: str) -> None:
        from alembic import command  # half a second that serving does without
        from alembic.config import Config

        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(self.migrations).replace("%", "%%"))
        if revision == "base":
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)


def writing(engine: AsyncEngine) -> AsyncEngine:
    """The same engine with transactions."""
    return engine.execution_options(isolation_level="READ COMMITTED")


async def _rows(
    engine: AsyncEngine, statement: Executable, values: Mapping[str, object] | None
) -> Sequence[Any]:
    async with engine.connect() as connection:
        result = await connection.execute(statement, values)
        return result.all() if result.returns_rows else ()
