"""What every Titles keeps: the fake and the real one."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from common.search import terms
from common.words import words
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ARRAY, Connection, Text, column, event, func, literal, select, text
from title.database import database, migrate, rows
from title.domain import NotTheWriter, StorageUnavailable, Title
from title.service import Titles
from title.storage import SqlTitles, metadata

from tests.support.postgres import Postgres


async def found_ids(titles: Titles, query: str, after: str = "") -> list[str]:
    return [title.id for _, title in await titles.search(terms(query), after, 10)]


async def test_finds_what_it_keeps(titles: Titles, emma: Title) -> None:
    assert await titles.put([[emma], [replace(emma, id="t-2", authors=())]]) == 2
    assert list(await titles.get_many([emma.id, "t-9"])) == [emma]
    assert list(await titles.get_many(["t-2"])) == [replace(emma, id="t-2", authors=())]


async def test_keeps_the_newest_of_two(titles: Titles, emma: Title) -> None:
    await titles.put([[emma, replace(emma, year=1816)]])
    await titles.put([[replace(emma, name="Emma, again")]])
    assert list(await titles.get_many([emma.id])) == [replace(emma, name="Emma, again")]


async def test_a_failing_batch_takes_the_earlier_ones_with_it(titles: Titles, emma: Title) -> None:
    def batches() -> Iterator[Sequence[Title]]:
        yield [emma]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await titles.put(batches())
    assert list(await titles.get_many([emma.id])) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("pri", ["t-1"]),
        ("aus and", ["t-1", "t-2"]),
        ("jane émi", []),
        ("émi", ["t-3"]),
        ("ride", []),
    ],
)
async def test_each_word_begins_some_word(titles: Titles, emma: Title, wanted: str, found: list[str]) -> None:
    shelf = [
        replace(emma, id="t-1", name="Pride and Prejudice"),
        replace(emma, id="t-2", name="Sense and Sensibility"),
        replace(emma, id="t-3", name="Émile", authors=("Jean-Jacques Rousseau",)),
    ]
    await titles.put([shelf])
    assert await found_ids(titles, wanted) == found


async def test_pages_go_by_id(titles: Titles, emma: Title) -> None:
    await titles.put([[replace(emma, id=i) for i in ("t-3", "t-1", "T-2", "t-2")]])
    assert [title.id for title in await titles.page("", 3)] == ["T-2", "t-1", "t-2"]
    assert await found_ids(titles, "emma", after="0t-2") == ["t-3"]


async def test_a_search_lists_names_before_authors_on_every_page(titles: Titles, emma: Title) -> None:
    shelf = [
        replace(emma, id="t-1", name="Room", authors=("Emma Donoghue",)),
        replace(emma, id="t-2"),
        replace(emma, id="t-3", name="Hotel", authors=("Emma Donoghue",)),
        replace(emma, id="t-4", name="Emma Brown", authors=("Emma Donoghue",)),
    ]
    await titles.put([shelf])
    assert await found_ids(titles, "emma") == ["t-2", "t-4", "t-1", "t-3"]
    assert await found_ids(titles, "brown emma") == ["t-4"]
    seen, after = [], ""
    while page := await titles.search(terms("emma"), after, 1):
        after = page[0][0]
        seen.append(page[0][1].id)
    assert seen == ["t-2", "t-4", "t-1", "t-3"]


async def test_authors_are_looked_for_only_if_names_do_not_fill_the_page(
    sql_titles: SqlTitles, emma: Title, database_url: str
) -> None:
    await sql_titles.put([[emma, replace(emma, id="t-9", name="Room", authors=("Emma Donoghue",))]])
    queries: list[Any] = []
    async with database(database_url) as engine:

        @event.listens_for(engine.sync_engine, "before_cursor_execute")
        def remember(_c: Any, _cursor: Any, _statement: str, values: Any, *_: Any) -> None:
            queries.extend(value for value in values if "emma" in str(value))

        assert len(await SqlTitles(engine).search(terms("emma"), "", 1)) == 1
        assert queries == ["nemma:*"]
        assert len(await SqlTitles(engine).search(terms("emma"), "", 2)) == 2
        assert queries[2:] == ["(nemma:* | aemma:*) & !(nemma:*)"]


@pytest.mark.parametrize(
    "query",
    ["9780141439587", "978-0-14-143958-7", "0-14-143958-0", "ISBN 0141439580", "isbn-13: 978 0141439587"],
)
async def test_a_title_is_found_by_its_isbn(titles: Titles, emma: Title, query: str) -> None:
    await titles.put(
        [[replace(emma, isbn13="9780141439587"), replace(emma, id="t-9", isbn13="9780000000040")]]
    )
    assert await found_ids(titles, query) == [emma.id]


async def test_a_word_that_postgresql_would_refuse_is_cut(titles: Titles, emma: Title) -> None:
    await titles.put([[replace(emma, name="㌖" * 500)]])
    assert await found_ids(titles, "㌖" * 200) == [emma.id]


async def test_a_fenced_table_says_who_does_not_write(
    sql_titles: SqlTitles, database_url: str, postgres: Postgres, emma: Title
) -> None:
    name = database_url.rpartition("/")[2]
    postgres.psql(
        "create function fence() returns trigger language plpgsql as"
        " $$ begin raise exception 'fenced' using errcode = 'FT001'; end $$",
        "create trigger fence before insert on titles execute function fence()",
        database=name,
    )
    try:
        with pytest.raises(NotTheWriter):
            await sql_titles.put([[emma]])
    finally:
        postgres.psql("drop trigger fence on titles", "drop function fence", database=name)


async def test_a_database_that_is_gone_is_unavailable() -> None:
    async with database("postgresql://nobody:x@127.0.0.1:1/nothing") as engine:
        with pytest.raises(StorageUnavailable):
            await SqlTitles(engine).get_many(["t-1"])


async def test_connections_that_were_cut_are_replaced(
    sql_titles: SqlTitles, database_url: str, postgres: Postgres
) -> None:
    await sql_titles.get_many(["t-1"])
    name = database_url.rpartition("/")[2]
    postgres.psql(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")
    assert await sql_titles.get_many(["t-1"]) == []


async def test_migrations_go_up_down_and_up_and_make_what_the_statements_expect(postgres: Postgres) -> None:
    def drift(connection: Connection) -> list[object]:
        # an index on an expression is known to the database only
        found = compare_metadata(MigrationContext.configure(connection), metadata)
        return [change for change in found if change[0] != "remove_index"]

    url = postgres.create("title")
    for revision in ("head", "head", "base", "head"):
        await migrate(url, revision)
    async with database(url) as engine, engine.connect() as connection:
        assert await connection.run_sync(drift) == []


async def test_a_search_may_use_the_index(sql_titles: SqlTitles, emma: Title, database_url: str) -> None:
    await sql_titles.put([[replace(emma, id=f"t-{n}", name=f"Book {n}", authors=()) for n in range(2000)]])
    seen: list[str] = []
    parameters: list[Any] = []
    async with database(database_url) as engine:

        @event.listens_for(engine.sync_engine, "before_cursor_execute")
        def remember(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
            seen.append(statement)
            parameters.append(values)

        await SqlTitles(engine).search(terms("emma"), "", 10)
        async with engine.connect() as connection:
            await connection.execute(text("analyze titles"))  # in an empty table any index is as good
            for kind in ("seqscan", "indexscan"):
                await connection.execute(text(f"set enable_{kind} = off"))
            await connection.execute(text("set plan_cache_mode = force_generic_plan"))
            plan = await connection.exec_driver_sql(f"explain {seen[0]}", parameters[0])
            assert "titles_search" in "".join(row[0] for row in plan)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Jane Eyre by Brontë", "Bronte\u0308"),
        ("Jane Eyre by Bronte\u0308", "BRONTË"),
        ("Jane Eyre by Brontë", "bront"),
        ("हिन्दी की कहानी", "हिन्दी"),
        ("हिन्दी की कहानी", "हिन"),
        ("İstanbul", "istanbul"),
        ("Istanbul", "İSTANBUL"),
        ("Die Straße", "STRASSE"),
        ("Ὀδύσσεια Ὅμηρος", "οδυσσεια ομηροσ"),
        ("ภาษาไทย", "ภาษา"),
    ],
)
async def test_a_title_is_found_however_its_name_is_typed(
    titles: Titles, emma: Title, name: str, query: str
) -> None:
    await titles.put([[replace(emma, name=name)]])
    assert await found_ids(titles, query) == [emma.id]
    assert await found_ids(titles, "हन") == []


# Characters that Python's Unicode knows, without marks of scripts that `common.words` does not spell out.
SPELLINGS = st.text(
    st.one_of(
        st.characters(
            max_codepoint=0x24FF, exclude_categories=["Cs", "Cn", "Mn", "Mc"], exclude_characters="\x00"
        ),
        st.characters(min_codepoint=0x0300, max_codepoint=0x036F),
        st.characters(min_codepoint=0x0900, max_codepoint=0x0D7F, exclude_categories=["Cn"]),
        st.sampled_from("ßæœøłđıİςΣ한국어卡夫卡ﬁＡ\u00ad\u200d"),
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(names=st.lists(SPELLINGS, min_size=100, max_size=200))
def test_the_database_folds_a_name_as_a_query_is_folded(database_url: str, names: list[str]) -> None:
    async def folded() -> list[list[str]]:
        statement = select(func.search_text(column("name"), literal([], ARRAY(Text)))).select_from(
            func.unnest(literal(names, ARRAY(Text))).alias("name")
        )
        async with database(database_url) as engine:
            return [row[0].split() for row in await rows(engine, statement)]

    assert asyncio.run(folded()) == [words(name) for name in names]
