"""What every Rates keeps: the fake, the real one, and the real one behind the cache."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from currency.database import database, migrate
from currency.domain import NotTheWriter, Rate, StorageUnavailable
from currency.service import Rates
from currency.storage import SqlRates, metadata
from sqlalchemy import Connection

from tests.support.postgres import Postgres

FIRST, LAST = date(2026, 4, 2), date(2026, 4, 10)


async def test_an_empty_store_finds_nothing(rates: Rates) -> None:
    assert await rates.find(None) is None
    assert await rates.find(LAST) is None


@pytest.mark.parametrize(
    ("on", "day"),
    [
        (None, LAST),
        (LAST, LAST),
        (date(2026, 4, 9), date(2026, 4, 7)),
        (date(2026, 4, 6), FIRST),
        (date(2027, 1, 1), LAST),
    ],
)
async def test_finds_the_newest_day_that_is_not_newer(
    rates: Rates, history: list[Rate], on: date | None, day: date
) -> None:
    assert await rates.put([history[:4], history[4:]]) == 6
    found = await rates.find(on)
    assert found is not None
    assert found.table is not None
    assert (found.first, found.last, found.table.date) == (FIRST, LAST, day)


async def test_rates_keep_their_digits_and_stand_in_the_order_of_codes(
    rates: Rates, history: list[Rate]
) -> None:
    await rates.put([history[::-1]])
    found = await rates.find(None)
    assert found is not None
    assert found.table is not None
    assert [(code, str(rate)) for code, rate in found.table.rates.items()] == [
        ("EUR", "1"),
        ("GBP", "0.86515"),
        ("JPY", "171.00"),
        ("USD", "1.1700"),
    ]


async def test_before_the_first_day_only_the_bounds_are_known(rates: Rates, history: list[Rate]) -> None:
    await rates.put([history])
    found = await rates.find(date(2026, 4, 1))
    assert found is not None
    assert (found.first, found.last, found.table) == (FIRST, LAST, None)


async def test_a_later_import_replaces_and_is_seen(rates: Rates, history: list[Rate]) -> None:
    await rates.put([history])
    await rates.find(None)
    await rates.put([[Rate(LAST, "USD", Decimal("1.2"))]])
    found = await rates.find(None)
    assert found is not None
    assert found.table is not None
    assert found.table.rates["USD"] == Decimal("1.2")


async def test_a_failing_batch_takes_the_earlier_ones_with_it(rates: Rates, history: list[Rate]) -> None:
    def batches() -> Iterator[Sequence[Rate]]:
        yield history
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await rates.put(batches())
    assert await rates.find(None) is None


async def test_a_fenced_table_says_who_does_not_write(
    sql_rates: SqlRates, database_url: str, postgres: Postgres, history: list[Rate]
) -> None:
    name = database_url.rpartition("/")[2]
    postgres.psql(
        "create function fence() returns trigger language plpgsql as"
        " $$ begin raise exception 'fenced' using errcode = 'FT001'; end $$",
        "create trigger fence before insert on rates execute function fence()",
        database=name,
    )
    try:
        with pytest.raises(NotTheWriter):
            await sql_rates.put([history])
    finally:
        postgres.psql("drop trigger fence on rates", "drop function fence", database=name)


async def test_a_database_that_is_gone_is_unavailable() -> None:
    async with database("postgresql://nobody:x@127.0.0.1:1/nothing") as engine:
        with pytest.raises(StorageUnavailable):
            await SqlRates(engine).find(None)


async def test_migrations_go_up_down_and_up_and_make_what_the_statements_expect(postgres: Postgres) -> None:
    def drift(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    url = postgres.create("currency")
    for revision in ("head", "head", "base", "head"):
        await migrate(url, revision)
    async with database(url) as engine, engine.connect() as connection:
        assert await connection.run_sync(drift) == []
