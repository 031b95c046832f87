"""What a basket costs. A price is exact until it is rounded, once, at its currency's smallest unit."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from common.money import smallest_unit

MAX_LINES = 100
MAX_QUANTITY = 10_000
MAX_BASKETS = 100
BULK_QUANTITY = 250

Violation = tuple[str, str]


class InvalidBasket(Exception):
    """Some field of the basket is wrong."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{field}: {description}" for field, description in violations))
        self.violations = tuple(violations)


class TooManyBaskets(InvalidBasket):
    """More baskets in one call than are priced at once."""


class Unavailable(Exception):
    """A neighbour or the database does not answer; asking again is safe."""


class CatalogueAway(Unavailable):
    """The catalogue does not answer, and what is known from before does not do instead."""


class NotTheWriter(Exception):
    """The other side writes these tables at present."""

    def __init__(self) -> None:
        super().__init__("prices are written elsewhere at present")


@dataclass(frozen=True, slots=True)
class Line:
    """A title and how many of it are wanted."""

    title_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines to be priced in one currency."""

    currency: str
    lines: tuple[Line, ...]


class Titles(NamedTuple):
    """What is known of some titles. `as_of` is None if the catalogue answers; else it is when it answered last."""

    existing: Set[str]
    unknown: Set[str] = frozenset()  # whether these exist only the catalogue can tell
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListPrice:
    """What the publisher asks, in the publisher's currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices that exist among those asked for, and every quantity break."""

    prices: Mapping[str, ListPrice]
    breaks: Mapping[int, Decimal]


@dataclass(frozen=True, slots=True)
class Rates:
    """Units of each currency for one euro, on one banking day."""

    date: date
    per_euro: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line with its prices, in the currency of its basket."""

    title_id: str
    quantity: int
    list_price: ListPrice
    discount_percent: Decimal
    unit_price: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """What a basket costs at the rates of a day; `titles_as_of` as in Titles."""

    currency: str
    lines: tuple[PricedLine, ...]
    total: Decimal
    rate_date: date
    titles_as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ruleset:
    """How a discount and a rounded price are found."""

    name: str
    bulk_bonus: Decimal
    rounding: str

    def discount(self, quantity: int, breaks: Mapping[int, Decimal]) -> Decimal:
        """Percent off for a quantity."""
        reached = [minimum for minimum in breaks if minimum <= quantity]
        percent = breaks[max(reached)] if reached else Decimal(0)
        return percent + self.bulk_bonus if quantity >= BULK_QUANTITY and self.bulk_bonus else percent


RULESETS: Mapping[str, Ruleset] = {
    rules.name: rules
    for rules in (
        Ruleset("v1", Decimal(0), ROUND_HALF_EVEN),
        Ruleset("v2", Decimal(5), ROUND_HALF_EVEN),
        Ruleset("v2-rounding", Decimal(5), ROUND_DOWN),  # the planted bug that a mirror has to find
    )
}


def well_formed(title_id: str) -> bool:
    """Could be an id of the catalogue; any other is not worth asking for."""
    return 1 <= len(title_id) <= 32 and all("\x21" <= c <= "\x7e" for c in title_id)


def price(basket: Basket, titles: Titles, known: PriceList, rates: Rates, rules: Ruleset) -> Quote:
    """The quote. Raises InvalidBasket, which names everything that is wrong, or CatalogueAway."""
    if titles.unknown and (unknown := {line.title_id for line in basket.lines} & titles.unknown):
        raise CatalogueAway(
            f"the catalogue does not answer, and has not confirmed {', '.join(sorted(unknown))} before"
        )
    if violations := list(_violations(basket, titles.existing, known, rates)):
        raise InvalidBasket(violations)
    lines = tuple(_price_line(line, basket.currency, known, rates, rules) for line in basket.lines)
    total = sum((line.total for line in lines), Decimal(0))
    return Quote(basket.currency, lines, total, rates.date, titles.as_of)


def _violations(basket: Basket, titles: Set[str], known: PriceList, rates: Rates) -> list[Violation]:
    found: list[Violation] = []
    if basket.currency not in rates.per_euro:
        found.append(("currency", f"{basket.currency} has no rate on {rates.date}"))
    if not 1 <= len(basket.lines) <= MAX_LINES:
        found.append(("lines", f"must be between 1 and {MAX_LINES}"))
    for i, line in enumerate(basket.lines):
        listed = known.prices.get(line.title_id)
        if line.title_id not in titles:
            found.append((f"lines[{i}].title_id", f"there is no title {line.title_id}"))
        elif listed is None or listed.currency not in rates.per_euro:
            found.append((f"lines[{i}].title_id", f"title {line.title_id} has no price"))
        if not 1 <= line.quantity <= MAX_QUANTITY:
            found.append((f"lines[{i}].quantity", f"must be between 1 and {MAX_QUANTITY}"))
    return found


def _price_line(line: Line, currency: str, known: PriceList, rates: Rates, rules: Ruleset) -> PricedLine:
    listed = known.prices[line.title_id]
    percent = rules.discount(line.quantity, known.breaks)
    exact = listed.amount * (1 - percent / 100) * rates.per_euro[currency] / rates.per_euro[listed.currency]
    unit_price = exact.quantize(smallest_unit(currency), rules.rounding)
    return PricedLine(line.title_id, line.quantity, listed, percent, unit_price, unit_price * line.quantity)
