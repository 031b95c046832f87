"""Brings a database to the newest revision; the configuration is code, so it works from any folder."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

LOCK = 7_314_201  # two replicas that start together migrate one after the other


def configuration(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def migrate(url: str, revision: str = "head", move: Any = command.upgrade) -> None:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)

    def moved(connection: Connection) -> None:
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        move(configuration(connection), revision)

    try:
        async with engine.begin() as connection:
            await connection.run_sync(moved)
    finally:
        await engine.dispose()
