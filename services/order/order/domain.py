"""What an order is, what it costs the customer, and how far it may go."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from common.errors import InvalidRequest as InvalidRequest
from common.money import smallest_unit

MAX_LINES = 100

PLACED, ACCEPTED, SHIPPED = "placed", "accepted", "shipped"
NEXT: Mapping[str, str] = {PLACED: ACCEPTED, ACCEPTED: SHIPPED}
SEQUENCE: Mapping[str, int] = {PLACED: 1, ACCEPTED: 2, SHIPPED: 3}

Violation = tuple[str, str]


class InvalidOrder(InvalidRequest):
    """The order cannot be priced or stored as it is."""


class UnknownOrder(Exception):
    """There is no order of that id."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"there is no order {order_id}")
        self.resource = ("order", order_id)


class IdempotencyConflict(Exception):
    """The key was used for another order."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key} was used for an order with other content")
        self.resource = ("idempotency key", key)


class CreditExceeded(Exception):
    """The order is above what the account may order at once."""

    def __init__(self, total: Decimal, limit: Decimal, currency: str) -> None:
        super().__init__(
            f"the order's total of {total:f} {currency} is above the credit limit of {limit:f} {currency}"
        )


class NotTheWriter(Exception):
    """The other side writes these tables at present."""

    def __init__(self) -> None:
        super().__init__("orders are written elsewhere at present")


class NotYours(Exception):
    """Somebody orders in another customer's name."""

    def __init__(self, user: str, customer_id: str) -> None:
        super().__init__(f"{user} cannot order for {customer_id}")


class Unavailable(Exception):
    """A neighbour or the database does not answer; asking again with the same key is safe."""


class CatalogueAway(Unavailable):
    """Pricing has no price, because the catalogue does not answer; the text is pricing's."""


@dataclass(frozen=True, slots=True)
class Line:
    """A title and how many of it are wanted."""

    title_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a customer asks for."""

    customer_id: str
    currency: str
    lines: tuple[Line, ...]

    def content_hash(self) -> str:
        """Shared with the monolith: a key keeps its meaning when orders move from there to here or back."""
        lines = [[line.title_id, line.quantity] for line in self.lines]
        content = json.dumps([self.customer_id, self.currency, lines], separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line with its prices, in the currency of its order."""

    title_id: str
    quantity: int
    unit_price: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Degraded:
    """The catalogue did not answer when an order was priced: when it did last, and the day whose rates priced it."""

    titles_as_of: datetime
    rate_date: date


@dataclass(frozen=True, slots=True)
class Priced:
    """The priced lines of an order; `degraded` if its titles are known from before only."""

    lines: tuple[PricedLine, ...]
    degraded: Degraded | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands; the discount is in percent."""

    id: UUID
    customer_id: str
    status: str
    currency: str
    lines: tuple[PricedLine, ...]
    discount_percent: Decimal
    total: Decimal
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """A status reached."""

    order_id: UUID
    sequence: int
    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """What a customer's account means for an order; a customer without one has no discount and no limit."""

    discount_percent: Decimal = Decimal(0)
    credit_limit: Decimal | None = None
    credit_currency: str = ""


def violations(key: str, order: NewOrder) -> list[Violation]:
    """What is wrong with the order before anybody is asked."""
    found = []
    if not _is_visible(key, 64):
        found.append(("idempotency_key", "must be 1 to 64 visible ASCII characters"))
    if not _is_visible(order.customer_id, 64):
        found.append(("customer_id", "must be 1 to 64 visible ASCII characters"))
    if not 1 <= len(order.lines) <= MAX_LINES:
        found.append(("lines", f"must be between 1 and {MAX_LINES}"))
    return found


def _is_visible(text: str, longest: int) -> bool:
    return 1 <= len(text) <= longest and all("\x21" <= c <= "\x7e" for c in text)


def total_of(lines: Sequence[PricedLine], currency: str, account: Account) -> Decimal:
    """What is to be paid; CreditExceeded if the account does not allow it."""
    gross = sum((line.total for line in lines), Decimal(0))
    exact = gross * (1 - account.discount_percent / 100)
    total = exact.quantize(smallest_unit(currency), ROUND_HALF_EVEN)
    limit = account.credit_limit
    if limit is not None and currency == account.credit_currency and total > limit:
        raise CreditExceeded(total, limit, currency)
    return total


def create_order(
    order_id: UUID, wanted: NewOrder, lines: tuple[PricedLine, ...], account: Account, at: datetime
) -> Order:
    """The wanted order at these prices. Raises CreditExceeded if the account does not allow its total."""
    return Order(
        id=order_id,
        customer_id=wanted.customer_id,
        status=PLACED,
        currency=wanted.currency,
        lines=lines,
        discount_percent=account.discount_percent,
        total=total_of(lines, wanted.currency, account),
        created_at=at,
    )
