"""`pricing import`: a price or a quantity break on each line, as JSON with the columns' names."""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, Protocol

from pricing.domain import ListPrice

AT_ONCE = 1_000
DEAREST = Decimal(10**9)


class InvalidLine(Exception):
    """One line cannot be imported; those before it may have been."""


class Shelf(Protocol):
    """The store that an import writes."""

    async def put_prices(self, prices: dict[str, ListPrice]) -> None:
        """Insert or replace list prices."""
        ...

    async def put_breaks(self, breaks: dict[int, Decimal]) -> None:
        """Insert or replace quantity breaks."""
        ...


async def import_lines(lines: Iterable[str], shelf: Shelf) -> int:
    """Upsert what the lines hold; returns how many there were."""
    count = 0
    parsed = _parse(lines)
    while part := list(islice(parsed, AT_ONCE)):
        prices = {key: value for key, value in part if isinstance(value, ListPrice)}
        breaks = {int(key): value for key, value in part if isinstance(value, Decimal)}
        if prices:
            await shelf.put_prices(prices)
        if breaks:
            await shelf.put_breaks(breaks)
        count += len(part)
    return count


def _parse(lines: Iterable[str]) -> Iterator[tuple[str, ListPrice | Decimal]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _entry(json.loads(line, parse_float=Decimal))
        except (ValueError, KeyError, TypeError, InvalidOperation, RecursionError) as error:
            raise InvalidLine(f"line {number}: {error!r}") from error


def _entry(row: dict[str, Any]) -> tuple[str, ListPrice | Decimal]:
    if "minimum_quantity" in row:
        return str(int(row["minimum_quantity"])), _read_number(row["percent"], Decimal(90))
    return str(row["title_id"]), ListPrice(_read_number(row["amount"], DEAREST), str(row["currency"]))


def _read_number(written: object, largest: Decimal) -> Decimal:
    value = Decimal(str(written))
    if not 0 <= value <= largest or value != round(value, 9):
        raise ValueError(f"{written} is not between 0 and {largest} with at most 9 decimals")
    return value
