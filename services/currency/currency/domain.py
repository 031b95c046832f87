"""What an amount is worth in another currency."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from common.errors import InvalidRequest as InvalidRequest
from common.jsonlines import Checks, check
from common.money import smallest_unit

EURO = "EUR"
EXACT = Context(prec=28, rounding=ROUND_HALF_EVEN)
EIGHT_PLACES = Decimal("0.00000001")
LARGEST = Decimal(2**63 - 1)
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Rate:
    """What one euro cost on one day."""

    date: date
    currency: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Table:
    """All rates of one banking day, in the order of codes, the euro among them."""

    date: date
    rates: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Found:
    """The newest table that is not newer than the day asked for, and the days that bound all tables."""

    first: date
    last: date
    table: Table | None


@dataclass(frozen=True, slots=True)
class Conversion:
    """An amount in the other currency, and the exact rate of a day."""

    result: Decimal
    rate: Decimal
    date: date


class NoRates(Exception):
    """Nobody has imported any rates yet."""

    def __init__(self) -> None:
        super().__init__("there are no rates yet")


class NotTheWriter(Exception):
    """The database is fenced: the other side writes this module's tables."""

    def __init__(self) -> None:
        super().__init__("rates are written on the other side")


class StorageUnavailable(Exception):
    """The database does not answer."""

    def __init__(self) -> None:
        super().__init__("the database does not answer")


def table_on(found: Found | None, on: date | None) -> Table:
    """The table that holds on that day: its own, or that of the banking day before it."""
    if found is None:
        raise NoRates
    if found.table is None or (on is not None and on > found.last and not _weekend_behind(found.last, on)):
        raise InvalidRequest([("date", f"rates are known from {found.first} to {found.last}")])
    return found.table


def _weekend_behind(last: date, on: date) -> bool:
    days = (on - last).days
    return days <= 2 and all((last + timedelta(day)).weekday() >= SATURDAY for day in range(1, days + 1))


def convert(table: Table, amount: Decimal, source: str, target: str) -> Conversion:
    """Convert an amount at the rates of the table. Raises InvalidRequest for a currency without a rate."""
    wrong = [
        (field, f"{currency} has no rate on {table.date}")
        for field, currency in (("from", source), ("to", target))
        if currency not in table.rates
    ]
    if wrong:
        raise InvalidRequest(wrong)
    rate = EXACT.divide(table.rates[target], table.rates[source])
    exact = EXACT.multiply(amount, rate)
    if abs(exact) > LARGEST:
        raise InvalidRequest([("amount", f"must convert to at most {LARGEST} {target}")])
    return Conversion(exact.quantize(smallest_unit(target), context=EXACT), shown(rate), table.date)


def shown(rate: Decimal) -> Decimal:
    """The rate rounded to eight places; one that has fewer stays as it is."""
    places = -int(rate.as_tuple().exponent)
    return rate if places <= 8 else rate.quantize(EIGHT_PLACES, context=EXACT)


def day_from(text: str) -> date | None:
    """None for no text. Raises InvalidRequest for one that is not YYYY-MM-DD."""
    if not text:
        return None
    if not is_day(text):
        raise InvalidRequest([("date", "must be a date, YYYY-MM-DD")])
    return date.fromisoformat(text)


def is_day(value: object) -> bool:
    """Whether the value is a date, YYYY-MM-DD."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_rate(value: object) -> bool:
    """Whether the value is a decimal above 0, written without an exponent."""
    return (
        isinstance(value, str)
        and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,12})?", value) is not None
        and Decimal(value) > 0
    )


def is_currency(value: object) -> bool:
    """Whether the value is a code of three capital letters other than EUR."""
    return isinstance(value, str) and re.fullmatch(r"[A-Z]{3}", value) is not None and value != EURO


CHECKS: Checks = {
    "date": (is_day, "must be a date, YYYY-MM-DD"),
    "currency": (is_currency, "must be three capital letters other than EUR"),
    "rate": (is_rate, "must be a decimal above 0 without an exponent"),
}


def rate_from(fields: Mapping[str, Any]) -> Rate:
    """The rate that an imported object describes. Raises InvalidRequest with all that is wrong with it."""
    check("rate", fields, CHECKS)
    return Rate(date.fromisoformat(fields["date"]), fields["currency"], Decimal(fields["rate"]))
