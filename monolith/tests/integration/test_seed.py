import json

import asyncpg
import pytest
from monolith.backoffice import import_lines
from monolith.migrations import migrate
from monolith.seed import ecb, seed
from monolith.seed.lines import lines

from tests.support.postgres import Postgres

COUNTS = """
    select (select count(*) from titles), (select count(*) from list_prices), (select count(*) from price_breaks),
           (select count(*) from rates), (select count(*) from orders), (select count(*) from order_lines),
           (select count(*) from order_events)
"""


async def counts(url: str) -> tuple[int, ...]:
    connection = await asyncpg.connect(url)
    try:
        return tuple(await connection.fetchrow(COUNTS))
    finally:
        await connection.close()


async def test_seeding_fills_an_empty_database_and_leaves_a_filled_one(postgres: Postgres) -> None:
    url = postgres.create("seeding")
    await migrate(url)
    await seed(url, 600)
    first = await counts(url)
    assert first[:3] == (600, 600, 3)
    assert first[3] > 200_000
    await seed(url, 1_000)
    assert await counts(url) == first


@pytest.mark.parametrize(
    ("module", "table"),
    [("title", "titles"), ("pricing", "list_prices"), ("pricing", "price_breaks")],
)
async def test_the_lines_that_are_printed_are_imported_as_what_is_seeded(
    postgres: Postgres, module: str, table: str
) -> None:
    digests = []
    for name in ("seeded", "imported"):
        url = postgres.create(name)
        await migrate(url)
        await (seed(url) if name == "seeded" else import_lines(url, module, map(str.encode, lines(module))))
        connection = await asyncpg.connect(url)
        rows = (
            f"select md5(string_agg((to_jsonb(t) - 'updated_at')::text, ',' order by t::text)) from {table} t"
        )
        digests.append(await connection.fetchval(rows))
        await connection.close()
    assert digests[0] == digests[1] is not None


def test_the_rates_that_are_printed_are_all_that_are_seeded() -> None:
    printed = [tuple(json.loads(line).values()) for line in lines("currency")]
    assert printed == [(day.isoformat(), currency, str(rate)) for day, currency, rate in ecb.rows()]
    assert len(printed) > 200_000


async def test_orders_of_the_past_are_brought_to_a_number_and_are_the_same_each_time(
    postgres: Postgres,
) -> None:
    digests = []
    for steps in ((300,), (100, 300)):
        url = postgres.create("past")
        await migrate(url)
        for count in steps:
            await seed(url, 0, count)
        orders, lines, events = (await counts(url))[4:]
        assert (orders, events) == (300, 900)
        assert orders <= lines <= 3 * orders
        connection = await asyncpg.connect(url)
        digests.append(
            await connection.fetchval("select md5(string_agg(o::text, ',' order by id)) from orders o")
        )
        wrong = """select count(*) from orders o where status <> 'shipped' or total <>
                   (select sum(total) from order_lines where order_id = o.id)"""
        assert await connection.fetchval(wrong) == 0
        await connection.close()
    assert digests[0] == digests[1]
