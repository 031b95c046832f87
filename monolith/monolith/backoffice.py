"""`monolith import`: how the back office writes titles, rates and prices, one JSON object on a line."""

import sys
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import asyncpg
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from rest_api.models import CurrencyCode, TitleId

from monolith.title.isbn import checked

Words = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
Positive = Annotated[Decimal, Field(gt=0, lt=10**9, decimal_places=9)]


class Line(BaseModel):
    """One imported line; a field that is not declared is an error."""

    model_config = ConfigDict(extra="forbid")


class Title(Line):
    """A title of the catalogue."""

    id: TitleId
    isbn13: Annotated[str, AfterValidator(checked)]
    name: Words
    authors: list[Words]
    format: Literal["print", "ebook", "audio"]
    publisher: Words
    year: int = Field(ge=-9999, le=9999)


class Rate(Line):
    """What one EUR costs in a currency on a day."""

    date: date
    currency: CurrencyCode
    rate: Positive


class Price(Line):
    """The list price of a title."""

    title_id: TitleId
    currency: CurrencyCode
    amount: Annotated[Decimal, Field(ge=0, lt=10**9, decimal_places=9)]


class Break(Line):
    """The percentage that is taken off from a quantity on."""

    minimum_quantity: int = Field(ge=1, le=10_000)
    percent: Annotated[Decimal, Field(ge=0, le=90, decimal_places=4)]


KINDS: dict[str, TypeAdapter[Any]] = {
    "title": TypeAdapter(Title),
    "currency": TypeAdapter(Rate),
    "pricing": TypeAdapter(Price | Break),
}
UPSERT: dict[type[Line], str] = {
    Title: """
        insert into titles (id, isbn13, name, authors, format, publisher, year)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (id) do update set (isbn13, name, authors, format, publisher, year, updated_at) = (
            excluded.isbn13, excluded.name, excluded.authors, excluded.format, excluded.publisher,
            excluded.year, now()
        )
    """,
    Rate: """
        insert into rates (date, currency, rate) values ($1, $2, $3)
        on conflict (date, currency) do update set rate = excluded.rate
    """,
    Price: """
        insert into list_prices (title_id, currency, amount) values ($1, $2, $3)
        on conflict (title_id) do update
        set (currency, amount, updated_at) = (excluded.currency, excluded.amount, now())
    """,
    Break: """
        insert into price_breaks (minimum_quantity, percent) values ($1, $2)
        on conflict (minimum_quantity) do update set percent = excluded.percent
    """,
}


async def import_lines(url: str, module: str, lines: Iterable[bytes]) -> None:
    """All lines or, if one of them is wrong, none."""
    rows: dict[type[Line], list[tuple[Any, ...]]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = KINDS[module].validate_json(line)
        except ValidationError as error:
            what = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            sys.exit(f"line {number}: {what}")
        rows.setdefault(type(entry), []).append(tuple(dict(entry).values()))
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            for kind, entries in rows.items():
                await connection.executemany(UPSERT[kind], entries)
    finally:
        await connection.close()
    sys.stdout.write(f"{sum(map(len, rows.values()))} lines imported\n")
