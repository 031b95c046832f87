"""This service's own database: its engine, its errors in our words, its revisions."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Executable, Row, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from currency.domain import NotTheWriter, StorageUnavailable

FENCED = "FT001"
CANCELLED = "57014"  # by statement_timeout
MILLISECONDS = 1_000


@asynccontextmanager
async def database(url: str, *, statement_timeout: float = 5.0) -> AsyncIterator[AsyncEngine]:
    """An engine whose connections commit each statement; `writing` gives a transaction."""
    settings = {
        "application_name": __package__ or "",
        "statement_timeout": str(int(statement_timeout * MILLISECONDS)),
        "jit": "off",  # compiling takes longer than any statement here
    }
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        isolation_level="AUTOCOMMIT",  # a read then costs one round trip, not three
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


def writing(engine: AsyncEngine) -> AsyncEngine:
    return engine.execution_options(isolation_level="READ COMMITTED")


async def rows(
    engine: AsyncEngine, statement: Executable, values: Mapping[str, Any] | None = None
) -> Sequence[Row[Any]]:
    """What one reading statement finds; a connection that died since it was last used is replaced once."""
    try:
        return await _rows(engine, statement, values)
    except StorageUnavailable as error:
        if not getattr(error.__cause__, "connection_invalidated", False):
            raise
    return await _rows(engine, statement, values)


async def _rows(
    engine: AsyncEngine, statement: Executable, values: Mapping[str, Any] | None
) -> Sequence[Row[Any]]:
    with translating():
        async with engine.connect() as connection:
            return (await connection.execute(statement, values)).all()


@contextmanager
def translating() -> Iterator[None]:
    """What a caller can do something about becomes the domain's; other errors stay as they are."""
    try:
        yield
    except (OperationalError, InterfaceError, TimeoutError, OSError) as error:
        raise StorageUnavailable from error
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None) or ""
        if state == FENCED:
            raise NotTheWriter from error
        if error.connection_invalidated or state == CANCELLED or state[:2] in ("08", "53", "57"):
            raise StorageUnavailable from error
        raise


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to the revision, one process at a time."""
    async with database(url, statement_timeout=0) as engine, writing(engine).begin() as connection:
        await connection.execute(text("select pg_advisory_xact_lock(7305)"))
        await connection.run_sync(_migrate, revision)


def _migrate(connection: Connection, revision: str) -> None:
    from alembic import command  # half a second that serving does without
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    if revision == "base":
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)
