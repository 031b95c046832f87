"""What the use cases need of others, and the values that pass between them."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from order.domain import (
    Account,
    CatalogueAway,
    CreditExceeded,
    Degraded,
    IdempotencyConflict,
    InvalidOrder,
    NewOrder,
    NotTheWriter,
    NotYours,
    Order,
    Priced,
    Unavailable,
)

Key = tuple[str, str]  # customer, idempotency key


@dataclass(frozen=True, slots=True)
class PlaceRequest:
    """A request to place an order. The order gets the request's id, unless the key has an order already."""

    id: UUID
    key: str
    order: NewOrder

    @property
    def unique_key(self) -> Key:
        """What no two orders share."""
        return self.order.customer_id, self.key


@dataclass(frozen=True, slots=True)
class Entry:
    """An order as it is stored: with its key, and the fingerprint of the content that the key stands for.

    `degraded` is not stored: it concerns the answer to whoever placed the order.
    """

    key: str
    content_hash: str
    order: Order
    degraded: Degraded | None = None

    @property
    def unique_key(self) -> Key:
        """What no two orders share."""
        return self.order.customer_id, self.key


@dataclass(frozen=True, slots=True)
class Placed:
    """The order is stored; `replayed` if an earlier request stored it, `degraded` if this one priced it so."""

    order: Order
    replayed: bool = False
    degraded: Degraded | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The order is not stored, for a reason that the caller can act on."""

    error: InvalidOrder | IdempotencyConflict | CreditExceeded | NotYours | NotTheWriter | Unavailable


@dataclass(frozen=True, slots=True)
class Failed:
    """The order is not stored, because of a fault of this service."""

    error: Exception


Outcome = Placed | Refused | Failed


class Pricing(Protocol):
    """The neighbour that prices orders."""

    async def price(self, orders: Sequence[NewOrder]) -> Sequence[Priced | InvalidOrder | CatalogueAway]:
        """The prices of each order in its place; an invalid order fails alone. Raises Unavailable."""
        ...


class Accounts(Protocol):
    """The neighbour that knows customers."""

    async def find(self, customer_ids: Set[str]) -> Mapping[str, Account]:
        """The accounts that exist, by customer."""
        ...


class Orders(Protocol):
    """The store of orders."""

    async def by_keys(self, keys: Collection[Key]) -> Mapping[Key, Entry]:
        """The orders that are stored under these keys."""
        ...

    async def store(self, entries: Sequence[Entry]) -> Set[UUID]:
        """Store all whose key is free; returns the ids of those. One that cannot be stored fails them all."""
        ...

    async def get(self, order_id: UUID) -> Order | None:
        """The order, or None if there is none with this id."""
        ...

    async def page(self, customer_id: str, before: UUID | None, limit: int) -> Sequence[Order]:
        """The newest first, older than `before`; an empty customer means everybody's."""
        ...
