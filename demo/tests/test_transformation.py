"""Rows between two shapes on real databases: what changes on one side changes on the other, whatever the statement."""

import asyncio
import random
from collections.abc import AsyncIterator

import asyncpg
import pytest
from strangler import gate, transformation
from strangler.database import MONOLITH
from strangler.module import Derived, Module, Table
from strangler.names import Direction
from strangler.replication import Replication
from strangler.transformation import TransformationFailed

from tests.support.postgres import Postgres
from tests.support.strangling import OnlyDatabases, execute

OLD = "create table loans(id int primary key, title text not null, tags text[] not null)"
NEW = """
create schema lent;
create table lent.loans(id int primary key, heading text not null);
create table lent.tags(loan_id int, position int, tag text not null, primary key(loan_id, position));
"""
LENT = Module(
    "lent",
    tables=(
        Derived(
            "loans",
            ("id",),
            "select id, heading as title, array(select tag from lent.tags where loan_id = id order by position) as tags"
            " from lent.loans",
            {"lent.loans": ("id",), "lent.tags": ("loan_id",)},
        ),
    ),
    service_tables=(
        Derived("lent.loans", ("id",), "select id, title as heading from loans", {"loans": ("id",)}),
        Derived(
            "lent.tags",
            ("loan_id", "position"),
            "select id as loan_id, position::int, tag from loans, unnest(tags) with ordinality t(tag, position)",
            {"loans": ("id",)},
        ),
    ),
    written_live=True,
)
AT_THE_MONOLITH = (
    "insert into loans values ({a}, 'title {b}', '{{x,y,z}}') on conflict do nothing",
    "update loans set title = 'title {b}' where id = {a}",
    "update loans set tags = tags[2:] || 'more {b}'::text where id < {a}",
    "update loans set id = {b} where id = {a} and not exists (select from loans where id = {b})",
    "delete from loans where id = {a}",
    "truncate loans",
)
LAST_AT_THE_MONOLITH = (
    "insert into loans values (99, 'last', '{z}')",
    "update loans set id = 98 where id = 99",
)
AT_THE_SERVICE = (
    "insert into lent.loans values ({a}, 'heading {b}') on conflict do nothing",
    "insert into lent.tags values ({a}, {b}, 'tag') on conflict do nothing",
    "update lent.loans set heading = 'heading {b}' where id = {a}",
    "update lent.tags set tag = 'tag {b}' where loan_id < {a}",
    "update lent.tags set loan_id = {b} where loan_id = {a}"
    " and not exists (select from lent.tags where loan_id = {b})",
    "delete from lent.tags where loan_id = {a} and position > {b}",
    "with gone as (delete from lent.tags where loan_id = {a}) delete from lent.loans where id = {a}",
    "truncate lent.tags",
)
LAST_AT_THE_SERVICE = (
    "insert into lent.loans values (96, 'last'), (97, 'last')",
    "insert into lent.tags values (97, 1, 'z')",
    "update lent.tags set loan_id = 96 where loan_id = 97",
)


@pytest.fixture
async def runtime(postgres: Postgres) -> AsyncIterator[OnlyDatabases]:
    runtime = OnlyDatabases(postgres)
    for database, tables in ((MONOLITH, OLD), ("lent", NEW)):
        runtime.create(database)
        await execute(runtime, database, tables)
    yield runtime
    for direction in ("forward", "back"):
        await Replication(runtime).stop(LENT, direction)  # type: ignore[arg-type]


@pytest.fixture
def replication(runtime: OnlyDatabases) -> Replication:
    return Replication(runtime)  # type: ignore[arg-type]


async def rows(runtime: OnlyDatabases, database: str, relation: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(await runtime.databases.admin_url(database))
    try:
        return [tuple(row) for row in await connection.fetch(f"select * from {relation} order by 1, 2")]
    finally:
        await connection.close()


async def copied(runtime: OnlyDatabases, replication: Replication) -> None:
    """Ten more loans at the monolith, and the service's tables filled from all."""
    await execute(
        runtime, MONOLITH, "insert into loans select n, n, array[n, -n] from generate_series(1, 10) n"
    )
    await replication.start(LENT, "forward", copy=True)
    assert await replication.copied(LENT, "forward") >= 10
    await replication.caught_up(LENT, "forward")


async def assert_alike(runtime: OnlyDatabases, replication: Replication, direction: Direction) -> None:
    await replication.caught_up(LENT, direction)
    comparison = await gate.compare(runtime, LENT)  # type: ignore[arg-type]
    assert list(map(str, comparison.examples)) == []
    assert comparison.differences == 0
    assert await rows(runtime, MONOLITH, "loans") == await rows(runtime, "lent", "loans")


def chosen(statements: tuple[str, ...], seed: int) -> list[str]:
    """Eighty of them; one empties a table that has rows."""
    choice = random.Random(seed)
    drawn = [choice.choice(statements[:-1]) for _ in range(80)]
    drawn[60] = statements[-1]
    return [text.format(a=choice.randint(1, 15), b=choice.randint(1, 15)) for text in drawn]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_changes_at_the_writer_changes_on_the_other_side(
    runtime: OnlyDatabases, replication: Replication, seed: int
) -> None:
    await copied(runtime, replication)
    await assert_alike(runtime, replication, "forward")
    await execute(runtime, MONOLITH, *chosen(AT_THE_MONOLITH, seed), *LAST_AT_THE_MONOLITH)
    await assert_alike(runtime, replication, "forward")
    for table in ("loans", "tags"):
        derived = await rows(runtime, "lent", f"figtree_transformation.lent_{table}")
        assert await rows(runtime, "lent", f"lent.{table}") == derived
        assert derived
    await replication.start(LENT, "back", copy=False)
    await execute(runtime, "lent", *chosen(AT_THE_SERVICE, seed), *LAST_AT_THE_SERVICE)
    await assert_alike(runtime, replication, "back")
    await replication.caught_up(LENT, "forward")
    assert await rows(runtime, MONOLITH, "loans")


async def test_two_transactions_that_change_one_row_of_the_other_shape_are_both_in_it(
    runtime: OnlyDatabases, replication: Replication
) -> None:
    await copied(runtime, replication)
    url = await runtime.databases.admin_url("lent")
    first, second = await asyncpg.connect(url), await asyncpg.connect(url)
    transaction = first.transaction()
    await transaction.start()
    await first.execute("update lent.loans set heading = 'new' where id = 1")
    waiting = asyncio.create_task(second.execute("insert into lent.tags values (1, 3, 'new')"))
    await asyncio.sleep(0.2)
    await transaction.commit()
    await waiting
    for connection in (first, second):
        await connection.close()
    assert (await rows(runtime, "lent", "loans"))[0] == (1, "new", ["1", "-1", "new"])


async def test_a_row_that_is_tampered_with_is_named_in_the_monoliths_shape(
    runtime: OnlyDatabases, replication: Replication
) -> None:
    await copied(runtime, replication)
    await execute(
        runtime,
        "lent",
        "set session_replication_role = replica",
        "update lent.tags set tag = 'other' where loan_id = 7 and position = 2",
    )
    comparison = await gate.compare(runtime, LENT)  # type: ignore[arg-type]
    assert list(map(str, comparison.examples)) == ["loans 7: tags is '{7,-7}' ≠ '{7,other}'"]


async def test_a_table_of_the_services_own_with_the_name_of_a_landing_table_stays(
    runtime: OnlyDatabases, replication: Replication
) -> None:
    await execute(runtime, "lent", "create table loans(of_the_service int)")
    with pytest.raises(TransformationFailed, match=r"has a table loans of its own.*a schema of their own"):
        await replication.start(LENT, "forward", copy=True)
    await execute(runtime, "lent", "insert into loans(of_the_service) values (1)")


@pytest.mark.parametrize(
    ("select", "why"),
    [
        ("select id, titel as heading from loans", 'into lent.loans failed: column "titel" does not exist'),
        ("select id, null as heading from loans", 'into lent.loans failed: null value in column "heading"'),
        (
            "select id, title from loans",
            'into lent.loans failed: column "title" of relation "loans" does not',
        ),
    ],
)
async def test_a_transformation_that_cannot_be_carried_out_is_named_and_may_be_corrected(
    runtime: OnlyDatabases, replication: Replication, select: str, why: str
) -> None:
    wrong = Derived("lent.loans", ("id",), select, {"loans": ("id",)})
    module = Module("lent", LENT.tables, service_tables=(wrong, LENT.service_tables[1]))
    await execute(runtime, MONOLITH, "insert into loans values (0, 'title', '{}')")

    async def copy() -> None:
        await replication.start(module, "forward", copy=True)
        await replication.copied(module, "forward")

    with pytest.raises(TransformationFailed, match=why):
        await copy()
    assert not await replication.runs(module, "forward")
    await copied(runtime, replication)


async def test_each_table_of_a_module_with_tables_of_another_shape_is_derived(runtime: OnlyDatabases) -> None:
    module = Module("lent", (Table("loans", ("id",)),), service_tables=LENT.service_tables)
    with pytest.raises(ValueError, match="each of its tables must be Derived"):
        await transformation.prepare(runtime, module)  # type: ignore[arg-type]
