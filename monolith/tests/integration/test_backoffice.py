import asyncio
import json
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from monolith.backoffice import import_lines
from monolith.migrations import migrate
from monolith.seams import fence

from tests.support.postgres import Postgres

TITLE = {
    "id": "t-1",
    "isbn13": "9780000000019",
    "name": "Ö",
    "authors": ["A", "B"],
    "format": "print",
    "publisher": "P",
    "year": -44,
}


@pytest.fixture(scope="module")
def url(postgres: Postgres) -> str:
    url = postgres.create("backoffice")
    asyncio.run(migrate(url))
    return url


def lines(*rows: dict[str, Any]) -> list[bytes]:
    return [json.dumps(row).encode() + b"\n" for row in rows]


async def fetch(url: str, query: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("module", "rows", "query", "stored"),
    [
        (
            "title",
            [TITLE, {**TITLE, "name": "Ü"}],
            "select id, name, authors from titles",
            [("t-1", "Ü", ["A", "B"])],
        ),
        (
            "currency",
            [{"date": "2026-01-02", "currency": "USD", "rate": rate} for rate in ("1.1", "1.2000")],
            "select currency, rate::text from rates",
            [("USD", "1.2000")],
        ),
        (
            "pricing",
            [
                {"title_id": "t-1", "amount": "1.10", "currency": "EUR"},
                {"minimum_quantity": 10, "percent": "7"},
                {"title_id": "t-1", "amount": "2.20", "currency": "GBP"},
            ],
            "select amount, currency, percent from list_prices, price_breaks",
            [(Decimal("2.20"), "GBP", Decimal(7))],
        ),
    ],
)
async def test_lines_are_inserted_or_replace_what_is_there(
    url: str, module: str, rows: list[dict[str, Any]], query: str, stored: list[tuple[Any, ...]]
) -> None:
    await import_lines(url, module, [*lines(*rows), b"\n"])
    assert await fetch(url, query) == stored


@pytest.mark.parametrize(
    ("module", "line", "message"),
    [
        ("title", b"{", "line 2: "),
        ("title", json.dumps({**TITLE, "isbn13": "9780000000018"}).encode(), "line 2: isbn13"),
        ("title", json.dumps({**TITLE, "price": 1}).encode(), "line 2: price"),
        ("title", json.dumps({**TITLE, "name": "\x00"}).encode(), "line 2: name"),
        ("currency", b'{"date": "2026-01-02", "currency": "USD", "rate": "-1"}', "line 2: rate"),
        ("pricing", b'{"title_id": "t", "amount": "NaN", "currency": "EUR"}', "line 2: "),
    ],
)
async def test_one_bad_line_stops_all_of_them(
    postgres: Postgres, module: str, line: bytes, message: str
) -> None:
    good: dict[str, dict[str, Any]] = {
        "title": TITLE,
        "currency": {"date": "2026-01-02", "currency": "USD", "rate": "1"},
        "pricing": {"title_id": "t-1", "amount": "1", "currency": "EUR"},
    }
    with pytest.raises(SystemExit, match=message):
        await import_lines("postgresql://nobody@127.0.0.1:1/none", module, [*lines(good[module]), line])


async def test_a_module_that_moved_is_not_written_here(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("""
        create function fence() returns trigger language plpgsql as
            $$ begin raise exception 'written elsewhere' using errcode = 'FT001'; end $$;
        create trigger fence before insert or update or delete on titles for each statement execute function fence();
    """)
    await connection.close()
    with pytest.raises(SystemExit, match="title import"):
        await fence.import_lines(url, "title", lines(TITLE))
