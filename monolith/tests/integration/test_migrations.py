from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from monolith.database import metadata
from monolith.migrations import configuration, migrate
from monolith.seams import migrations as seams
from monolith.seams import placement
from sqlalchemy import Connection, MetaData, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from monolith import migrations
from tests.support.postgres import Postgres

VERSIONS = {migrations.FOLDER: "alembic_version", seams.FOLDER: "alembic_version_seams"}
HISTORIES = [
    pytest.param(migrations.FOLDER, metadata, id="modules"),
    pytest.param(seams.FOLDER, placement.metadata, id="seams"),
]
# The modules' revisions 0005 and 0006, which databases that are older than the seams' own revisions have gone through.
BEFORE_THE_SEAMS = (
    """create table module_placement (
        module text primary key,
        place text not null check (place in ('local', 'remote'))
    )""",
    """create function placement_tells() returns trigger language plpgsql as $$
    begin
        notify module_placement;
        return null;
    end $$""",
    """create trigger placement_tells after insert or update or delete or truncate on module_placement
    for each statement execute function placement_tells()""",
    "insert into module_placement values ('title', 'remote')",
)


@pytest.mark.parametrize(("folder", "_"), HISTORIES)
async def test_every_revision_goes_up_down_and_up(postgres: Postgres, folder: Path, _: MetaData) -> None:
    url = postgres.create(f"stairway_{folder.parent.name}")
    found = ScriptDirectory.from_config(configuration(folder=folder)).walk_revisions()
    for revision in [s.revision for s in found][::-1]:
        await migrate(url, revision, folder=folder)
        await migrate(url, "-1", command.downgrade, folder=folder)
        await migrate(url, revision, folder=folder)


@pytest.mark.parametrize(("folder", "_"), HISTORIES)
async def test_all_the_way_down_leaves_nothing(postgres: Postgres, folder: Path, _: MetaData) -> None:
    url = postgres.create(f"down_{folder.parent.name}")
    await migrate(url, folder=folder)
    await migrate(url, "base", command.downgrade, folder=folder)
    left = postgres.psql(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relname !~ 'alembic'",
        "select proname from pg_proc where pronamespace = 'public'::regnamespace",
        database=make_url(url).database or "",
    )
    assert left == ""


@pytest.mark.parametrize(("folder", "known"), HISTORIES)
async def test_the_tables_are_those_that_the_code_knows(
    postgres: Postgres, folder: Path, known: MetaData
) -> None:
    def found(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"version_table": VERSIONS[folder]})
        differences = compare_metadata(context, known)
        return [d for d in differences if d[0] != "remove_index" or d[1].name != "titles_search_idx"]

    url = postgres.create(f"tables_{folder.parent.name}")
    await migrate(url, folder=folder)
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        assert await connection.run_sync(found) == []
    await engine.dispose()


@pytest.mark.parametrize("revision", ["0005", "0006", "0007"])
async def test_a_database_that_is_older_than_the_seams_revisions_keeps_its_placement(
    postgres: Postgres, revision: str
) -> None:
    url = postgres.create("older")
    await migrate(url, revision)
    name = make_url(url).database or ""
    connection = await asyncpg.connect(url)
    for statement in BEFORE_THE_SEAMS:
        await connection.execute(statement)
    await connection.close()
    for _ in range(2):
        await migrate(url)
        await seams.migrate(url)
    assert (
        postgres.psql("select module, place from module_placement", database=name).strip() == "title|remote"
    )
    triggers = "select tgname from pg_trigger where tgrelid = 'module_placement'::regclass"
    assert postgres.psql(triggers, database=name).strip() == "placement_tells"


@pytest.mark.parametrize("times", [2])
async def test_migrating_a_migrated_database_changes_nothing(empty_url: str, times: int) -> None:
    for _ in range(times):
        await migrate(empty_url)
