"""The resources of the REST contract. Amounts are decimals written as strings, never numbers."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from common.money import as_text
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError

Exact = Annotated[Decimal, PlainSerializer(as_text, return_type=str)]
Instant = Annotated[
    datetime,
    PlainSerializer(
        lambda at: at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        return_type=str,
    ),
]


def _written_as_day(value: object) -> object:
    """Without this, a number would be a date as well: so many seconds since 1970."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise PydanticCustomError("date_form", "not YYYY-MM-DD")
    return value


Day = Annotated[date, BeforeValidator(_written_as_day)]
CURRENCY, NAME, AMOUNT = "^[A-Z]{3}$", r"^[\x21-\x7e]+$", r"^-?[0-9]{1,12}(\.[0-9]{1,9})?$"
FORMS = {  # what each pattern allows, in words
    CURRENCY: "must be a three-letter ISO 4217 code in capitals, such as EUR",
    NAME: "must consist of printable ASCII characters without spaces",
    AMOUNT: "must be a decimal such as -12.50, with at most 12 digits before the point and 9 behind it",
}
CurrencyCode = Annotated[str, Field(pattern=CURRENCY, description="ISO 4217", examples=["EUR"])]
TitleId = Annotated[str, Field(min_length=1, max_length=32, pattern=NAME, examples=["t-000001"])]
CustomerId = Annotated[str, Field(min_length=1, max_length=64, pattern=NAME, examples=["c-1001"])]
IdempotencyKey = Annotated[str, Field(min_length=1, max_length=64, pattern=NAME)]
Status = Literal["placed", "accepted", "shipped"]
DEGRADED = "figtree-degraded"  # the header that says `Degraded`


class Model(BaseModel):
    """A resource: it cannot be changed, and a field that is not declared is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(Model):
    """An amount in a currency."""

    amount: Exact
    currency: CurrencyCode


class Title(Model):
    """A title of the catalogue."""

    id: str
    isbn13: str
    name: str
    authors: tuple[str, ...]
    format: Literal["print", "ebook", "audio"]
    publisher: str
    year: int


class TitlePage(Model):
    """A page of titles."""

    titles: tuple[Title, ...]
    next_page_token: str = Field(description="Empty on the last page")


class RateTable(Model):
    """What one euro costs in each currency on one banking day."""

    date: date
    base: Literal["EUR"] = "EUR"
    rates: dict[str, Exact]


class Conversion(Model):
    """An amount in another currency, by the rate of a day."""

    amount: Money
    result: Money
    rate: Exact
    date: date


def _whole(value: object) -> object:
    """JSON Schema's integer includes 1.0 and 1e2; from here on they are 1 and 100."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Line(Model):
    """A title, and how many of it are wanted."""

    title_id: TitleId
    quantity: Annotated[int, Field(ge=1, le=10_000, strict=True), BeforeValidator(_whole)]


class Basket(Model):
    """What is to be priced: 1 to 100 lines, and the currency to pay in."""

    currency: CurrencyCode
    lines: tuple[Line, ...] = Field(min_length=1, max_length=100)


class PricedLine(Model):
    """A line with its prices in the currency of the quote; the discount is in percent."""

    title_id: str
    quantity: int
    list_price: Money
    discount_percent: Exact
    unit_price: Exact
    total: Exact


class Degraded(Model):
    """The catalogue did not answer: when it did last, and the banking day whose rates the amounts are by."""

    titles_as_of: Instant
    rate_date: date

    def header(self) -> str:
        """As a Dictionary of RFC 9651."""
        return ", ".join(f'{name.replace("_", "-")}="{said}"' for name, said in self.model_dump().items())


class Quote(Model):
    """The prices of a basket, by the rates of a day."""

    currency: str
    lines: tuple[PricedLine, ...]
    total: Exact
    rate_date: date
    titles_as_of: Instant | None = Field(
        default=None,
        exclude_if=lambda at: at is None,
        description="Only while the catalogue does not answer: when it did last. The titles are known from before, "
        "the amounts are of rate_date all the same",
    )

    @property
    def degraded(self) -> Degraded | None:
        """What the header says, if the quote was given without the catalogue."""
        if self.titles_as_of is None:
            return None
        return Degraded(titles_as_of=self.titles_as_of, rate_date=self.rate_date)


class NewOrder(Basket):
    """A basket that a customer orders."""

    customer_id: CustomerId


class OrderLine(Model):
    """A line with its prices in the currency of its order."""

    title_id: str
    quantity: int
    unit_price: Exact
    total: Exact


class Order(Model):
    """A stored order; the discount is in percent."""

    id: UUID
    customer_id: str
    status: Status
    currency: str
    lines: tuple[OrderLine, ...]
    discount_percent: Exact
    total: Exact
    created_at: Instant


class OrderPage(Model):
    """A page of orders."""

    orders: tuple[Order, ...]
    next_page_token: str = Field(description="Empty on the last page")


class BulkItem(NewOrder):
    """One order of a bulk, with its idempotency key."""

    idempotency_key: IdempotencyKey


class BulkRequest(Model):
    """1 to 100 orders."""

    orders: tuple[BulkItem, ...] = Field(min_length=1, max_length=100)


class FieldError(Model):
    """The path of a bad field, and what is allowed there."""

    field: str
    message: str


class Problem(Model):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldError, ...] = ()


class BulkResult(Model):
    """One order of a bulk: stored, or the problem why not."""

    idempotency_key: str
    order: Order | None = None
    problem: Problem | None = None
    degraded: Degraded | None = Field(
        default=None,
        exclude_if=lambda found: found is None,
        description="Only if the order was priced while the catalogue did not answer",
    )


class BulkResponse(Model):
    """The result of each order, in the order of the request."""

    results: tuple[BulkResult, ...]


class OrderEvent(Model):
    """One server-sent event, `event: status`; its id is the sequence number."""

    order_id: UUID
    sequence: int
    status: Status
    at: Instant


class Customer(Model):
    """An account; the discount is in percent."""

    id: str
    name: str
    tier: Literal["standard", "silver", "gold"]
    discount_percent: Exact
    credit_limit: Money
