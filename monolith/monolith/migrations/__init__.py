"""Brings a database to the newest revision; the configuration is code, so it works from any folder."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

FOLDER = Path(__file__).parent
LOCK = 7_314_201  # two replicas that start together migrate one after the other


def configuration(connection: Connection | None = None, folder: Path = FOLDER) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def migrate(
    url: str, revision: str = "head", move: Any = command.upgrade, folder: Path = FOLDER
) -> None:
    """Move the database to `revision` of the revisions in `folder`, all of them or none."""
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)

    def moved(connection: Connection) -> None:
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        move(configuration(connection, folder), revision)

    try:
        async with engine.begin() as connection:
            await connection.run_sync(moved)
    finally:
        await engine.dispose()
