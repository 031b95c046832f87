import asyncpg
from monolith.migrations import migrate
from monolith.seed import seed

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
