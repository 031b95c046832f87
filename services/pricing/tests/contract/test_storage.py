from decimal import Decimal

import pytest
from pricing.back_office import InvalidLine, import_lines
from pricing.database import database, migrate
from pricing.domain import ListPrice, NotTheWriter, Unavailable
from pricing.storage import SqlPrices
from sqlalchemy import text

from tests.support.postgres import HANG_UP, Postgres


async def test_it_finds_what_it_keeps(prices) -> None:  # type: ignore[no-untyped-def]
    await prices.put_prices({"a": ListPrice(Decimal("10.050"), "EUR"), "b": ListPrice(Decimal(7), "JPY")})
    await prices.put_breaks({10: Decimal("2.5")})
    found = await prices.find({"a", "c"})
    assert found.prices == {"a": ListPrice(Decimal("10.050"), "EUR")}
    assert found.breaks == {10: Decimal("2.5")}


async def test_a_later_price_replaces_the_earlier(prices) -> None:  # type: ignore[no-untyped-def]
    for amount in ("1", "2"):
        await prices.put_prices({"a": ListPrice(Decimal(amount), "EUR")})
        await prices.put_breaks({10: Decimal(amount)})
    found = await prices.find({"a"})
    assert found.prices["a"].amount == 2
    assert found.breaks == {10: Decimal(2)}


async def test_no_titles_have_no_prices(prices) -> None:  # type: ignore[no-untyped-def]
    assert (await prices.find(set())).prices == {}


async def test_the_back_office_sends_prices_and_breaks_as_lines(prices) -> None:  # type: ignore[no-untyped-def]
    lines = [
        '{"title_id": "a", "currency": "EUR", "amount": "9.99"}',
        "",
        '{"title_id": "b", "currency": "USD", "amount": 0.1}',
        '{"minimum_quantity": 10, "percent": "5"}',
    ]
    assert await import_lines(lines, prices) == 3
    found = await prices.find({"a", "b"})
    assert found.prices["b"] == ListPrice(Decimal("0.1"), "USD")
    assert found.breaks == {10: Decimal(5)}


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{",
        '{"title_id": "a"}',
        '{"title_id":"a","currency":"EUR","amount":"-1"}',
        '{"title_id":"a","currency":"EUR","amount":"NaN"}',
    ],
)
async def test_a_bad_line_is_named(prices, line: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidLine, match="line 2"):
        await import_lines(["", line], prices)


async def test_a_fenced_table_says_that_another_side_writes(sql_prices: SqlPrices, fenced: None) -> None:
    with pytest.raises(NotTheWriter):
        await sql_prices.put_prices({"a": ListPrice(Decimal(1), "EUR")})


@pytest.fixture
async def fenced(database_url: str):  # type: ignore[no-untyped-def]
    async with database(database_url) as engine, engine.connect() as connection:
        await connection.execute(
            text("""create function fence() returns trigger language plpgsql as
                    $$ begin raise exception 'fenced' using errcode = 'FT001'; end $$""")
        )
        await connection.execute(
            text(
                "create trigger fence before insert or update or delete or truncate on list_prices "
                "for each statement execute function fence()"
            )
        )
        yield
        await connection.execute(text("drop function fence cascade"))


async def test_a_database_that_is_away_is_unavailable() -> None:
    async with database("postgresql://nobody:x@127.0.0.1:1/none") as engine:
        with pytest.raises(Unavailable):
            await SqlPrices(engine).find({"a"})


async def test_a_connection_that_died_is_replaced(sql_prices: SqlPrices, database_url: str) -> None:
    await sql_prices.find({"a"})
    async with database(database_url) as engine, engine.connect() as connection:
        await connection.execute(text(HANG_UP))
    assert (await sql_prices.find({"a"})).prices == {}


async def test_the_migration_goes_up_down_and_up(postgres: Postgres) -> None:
    url = postgres.create("pricing_stairs")
    for revision in ("head", "base", "head", "head"):
        await migrate(url, revision)
