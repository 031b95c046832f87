"""This service's own database: its engine, its errors in our words, its revisions."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, TextClause, make_url, text
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from order.domain import NotTheWriter, Unavailable

FENCED = "FT001"
CANCELLED = "57014"  # by statement_timeout
OUT_OF_ORDER = ("08", "53", "57")  # connection, resources, an operator's shutdown


@asynccontextmanager
async def database(url: str, *, statement_timeout: float = 5.0) -> AsyncIterator[AsyncEngine]:
    """An engine whose connections commit each statement."""
    settings = {
        "application_name": __package__ or "",
        "statement_timeout": str(int(statement_timeout * 1_000)),
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


async def rows(engine: AsyncEngine, statement: TextClause, values: Mapping[str, Any]) -> Sequence[Any]:
    """Run one statement that may safely run twice: one that meets a dead connection gets a new one."""
    for last in (False, True):
        try:
            with translating():
                async with engine.connect() as connection:
                    result = await connection.execute(statement, values)
                    return result.all() if result.returns_rows else ()
        except Unavailable as error:
            if last or not getattr(error.__cause__, "connection_invalidated", False):
                raise
    raise AssertionError


@contextmanager
def translating() -> Iterator[None]:
    """What a caller can do something about becomes the domain's; other errors stay as they are."""
    try:
        yield
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None) or ""
        if state == FENCED:
            raise NotTheWriter from error
        if error.connection_invalidated or state == CANCELLED or state[:2] in OUT_OF_ORDER:
            raise Unavailable("the database does not answer") from error
        raise
    except (OSError, TimeoutError) as error:
        raise Unavailable("the database does not answer") from error


async def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to the revision, one process at a time."""
    async with database(url, statement_timeout=0) as engine:
        transactions = engine.execution_options(isolation_level="READ COMMITTED")
        async with transactions.begin() as connection:
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
