"""What the edge needs of each module. A module implements its port in process, edge.remote over gRPC."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from rest_api.errors import EdgeError
from rest_api.models import (
    Basket,
    Conversion,
    Customer,
    Degraded,
    NewOrder,
    Order,
    OrderEvent,
    OrderPage,
    Quote,
    RateTable,
    Title,
    TitlePage,
)


class Titles(Protocol):
    """The catalogue."""

    async def search(self, query: str, page_size: int, page_token: str) -> TitlePage:
        """One page of the titles that match, by their name first; without a query, all titles by id."""
        ...

    async def get(self, title_id: str) -> Title:
        """Raises Missing."""
        ...

    async def batch_get(self, title_ids: Sequence[str]) -> Mapping[str, Title]:
        """Those that exist, by id."""
        ...


class Currencies(Protocol):
    """Reference rates of the ECB."""

    async def rates(self, on: date | None) -> RateTable:
        """The rates of a day, or the latest ones. Raises Invalid for a day without rates."""
        ...

    async def convert(self, amount: Decimal, source: str, target: str, on: date | None) -> Conversion:
        """Raises Invalid for a currency or a day without a rate."""
        ...


class Pricing(Protocol):
    """Prices of baskets."""

    async def quote(self, basket: Basket) -> Quote:
        """Raises Invalid."""
        ...

    async def batch_quote(self, baskets: Sequence[Basket]) -> Sequence[Quote | EdgeError]:
        """One answer per basket in its place; a bad basket fails alone."""
        ...


@dataclass(frozen=True, slots=True)
class Placed:
    """The order is stored; `replayed` if an earlier request with the same key stored it.

    `degraded` if this request priced it while the catalogue did not answer.
    """

    order: Order
    replayed: bool = False
    degraded: Degraded | None = None


class Orders(Protocol):
    """Orders and their events."""

    async def place(self, key: str, order: NewOrder) -> Placed:
        """Raises Invalid, Conflict, Refused, Denied, Overloaded or Unavailable."""
        ...

    async def place_many(self, orders: Sequence[tuple[str, NewOrder]]) -> Sequence[Placed | EdgeError]:
        """One answer per order in its place; each succeeds or fails alone."""
        ...

    async def get(self, order_id: UUID) -> Order:
        """Raises Missing."""
        ...

    async def list(self, customer_id: str, page_size: int, page_token: str) -> OrderPage:
        """One page, the newest first; an empty customer means everybody's."""
        ...

    def watch(self, order_id: UUID, after_sequence: int) -> AsyncGenerator[OrderEvent, None]:
        """Events behind `after_sequence` as they happen, until the last.

        Raises Missing before the first if there is no such order.
        """
        ...


class Customers(Protocol):
    """Accounts of customers."""

    async def get(self, customer_id: str) -> Customer:
        """Raises Missing."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """All modules of one application; one without customers answers 404 for them."""

    titles: Titles
    currencies: Currencies
    pricing: Pricing
    orders: Orders
    customers: Customers | None = None
