"""What every Customers keeps: the fake and the real one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from customer.database import database, migrate
from customer.domain import Customer, NotTheWriter, StorageUnavailable
from customer.seed import accounts
from customer.service import Accounts, Customers
from customer.storage import SqlCustomers, metadata
from sqlalchemy import Connection

from tests.support.postgres import Postgres


async def test_finds_what_it_keeps(customers: Customers, york: Customer) -> None:
    assert await customers.is_empty()
    assert await customers.put([[york], [replace(york, id="c-1")]]) == 2
    assert not await customers.is_empty()
    assert list(await customers.get_many([york.id, "c-9"])) == [york]


async def test_amounts_keep_their_digits(customers: Customers, york: Customer) -> None:
    await customers.put([[york]])
    found = (await customers.get_many([york.id]))[0]
    assert (str(found.discount_percent), str(found.credit_limit)) == ("5", "900000.50")


async def test_keeps_the_newest_of_two(customers: Customers, york: Customer) -> None:
    await customers.put([[york, replace(york, name="York")]])
    await customers.put([[replace(york, name="York, again")]])
    assert list(await customers.get_many([york.id])) == [replace(york, name="York, again")]


async def test_a_failing_batch_takes_the_earlier_ones_with_it(customers: Customers, york: Customer) -> None:
    def batches() -> Iterator[Sequence[Customer]]:
        yield [york]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await customers.put(batches())
    assert await customers.is_empty()


async def test_the_seed_can_be_kept(customers: Customers) -> None:
    assert await Accounts(customers).seed(accounts()) == 40
    assert await Accounts(customers).seed(accounts()) == 0
    assert await Accounts(customers).batch_get([one.id for one in accounts()]) == accounts()


async def test_a_fenced_table_says_who_does_not_write(
    sql_customers: SqlCustomers, database_url: str, postgres: Postgres, york: Customer
) -> None:
    name = database_url.rpartition("/")[2]
    postgres.psql(
        "create function fence() returns trigger language plpgsql as"
        " $$ begin raise exception 'fenced' using errcode = 'FT001'; end $$",
        "create trigger fence before insert on customers execute function fence()",
        database=name,
    )
    try:
        with pytest.raises(NotTheWriter):
            await sql_customers.put([[york]])
    finally:
        postgres.psql("drop trigger fence on customers", "drop function fence", database=name)


async def test_a_database_that_is_gone_is_unavailable() -> None:
    async with database("postgresql://nobody:x@127.0.0.1:1/nothing") as engine:
        with pytest.raises(StorageUnavailable):
            await SqlCustomers(engine).is_empty()


async def test_migrations_go_up_down_and_up_and_make_what_the_statements_expect(postgres: Postgres) -> None:
    def drift(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    url = postgres.create("customer")
    for revision in ("head", "head", "base", "head"):
        await migrate(url, revision)
    async with database(url) as engine, engine.connect() as connection:
        assert await connection.run_sync(drift) == []
