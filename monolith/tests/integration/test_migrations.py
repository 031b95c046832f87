from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from monolith.database import metadata
from monolith.migrations import configuration, migrate
from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.postgres import Postgres

REVISIONS = [s.revision for s in ScriptDirectory.from_config(configuration()).walk_revisions()][::-1]


async def test_every_revision_goes_up_down_and_up(postgres: Postgres) -> None:
    url = postgres.create("stairway")
    for revision in REVISIONS:
        await migrate(url, revision)
        await migrate(url, "-1", command.downgrade)
        await migrate(url, revision)


async def test_all_the_way_down_leaves_nothing(postgres: Postgres) -> None:
    url = postgres.create("down")
    await migrate(url)
    await migrate(url, "base", command.downgrade)
    left = postgres.psql(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relname !~ 'alembic'",
        "select proname from pg_proc where pronamespace = 'public'::regnamespace",
        database=make_url(url).database or "",
    )
    assert left == ""


async def test_the_tables_are_those_that_the_code_knows(empty_url: str) -> None:
    def found(connection: Connection) -> list[Any]:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        return [d for d in differences if d[0] != "remove_index" or d[1].name != "titles_search_idx"]

    engine = create_async_engine(make_url(empty_url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        assert await connection.run_sync(found) == []
    await engine.dispose()


@pytest.mark.parametrize("times", [2])
async def test_migrating_a_migrated_database_changes_nothing(empty_url: str, times: int) -> None:
    for _ in range(times):
        await migrate(empty_url)
