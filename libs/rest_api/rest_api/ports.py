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
    async def search(self, query: str, page_size: int, page_token: str) -> TitlePage: ...
    async def get(self, title_id: str) -> Title: ...
    async def batch_get(self, title_ids: Sequence[str]) -> Mapping[str, Title]:
        """Those that exist, by id."""
        ...


class Currencies(Protocol):
    async def rates(self, on: date | None) -> RateTable: ...
    async def convert(self, amount: Decimal, source: str, target: str, on: date | None) -> Conversion: ...


class Pricing(Protocol):
    async def quote(self, basket: Basket) -> Quote: ...
    async def batch_quote(self, baskets: Sequence[Basket]) -> Sequence[Quote | EdgeError]:
        """One answer per basket in its place; a bad basket fails alone."""
        ...


@dataclass(frozen=True, slots=True)
class Placed:
    order: Order
    replayed: bool = False


class Orders(Protocol):
    async def place(self, key: str, order: NewOrder) -> Placed: ...
    async def place_many(self, orders: Sequence[tuple[str, NewOrder]]) -> Sequence[Placed | EdgeError]: ...
    async def get(self, order_id: UUID) -> Order: ...
    async def list(self, customer_id: str, page_size: int, page_token: str) -> OrderPage: ...
    def watch(self, order_id: UUID, after_sequence: int) -> AsyncGenerator[OrderEvent, None]:
        """Events behind `after_sequence` as they happen, until the last.

        Raises Missing before the first if there is no such order.
        """
        ...


class Customers(Protocol):
    async def get(self, customer_id: str) -> Customer: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """All modules of one application; one without customers answers 404 for them."""

    titles: Titles
    currencies: Currencies
    pricing: Pricing
    orders: Orders
    customers: Customers | None = None
