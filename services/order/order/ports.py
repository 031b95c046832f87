"""What the use cases need of others, and the values that pass between them."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from order.domain import Account, InvalidOrder, NewOrder, Order, PricedLine

Key = tuple[str, str]  # customer, idempotency key


@dataclass(frozen=True, slots=True)
class Entry:
    """An order as it is kept: with the key it was placed under, and what that key stands for."""

    key: str
    content_hash: str
    order: Order


@dataclass(frozen=True, slots=True)
class Placed:
    order: Order
    replayed: bool = False


Wanted = tuple[str, NewOrder]  # idempotency key, order
Outcome = Placed | Exception


class Pricing(Protocol):
    async def price(self, orders: Sequence[NewOrder]) -> Sequence[tuple[PricedLine, ...] | InvalidOrder]:
        """The lines' prices of each order in its place; a bad order fails alone."""
        ...


class Accounts(Protocol):
    async def find(self, customer_ids: Set[str]) -> Mapping[str, Account]: ...


class Orders(Protocol):
    async def by_keys(self, keys: Collection[Key]) -> Mapping[Key, Entry]: ...
    async def store(self, entries: Sequence[Entry]) -> Set[UUID]:
        """Store all whose key is free; returns the ids of those. One that cannot be stored fails them all."""
        ...

    async def get(self, order_id: UUID) -> Order | None: ...
    async def page(self, customer_id: str, before: UUID | None, limit: int) -> Sequence[Order]:
        """The newest first, older than `before`; an empty customer means everybody's."""
        ...


class Outbox(Protocol):
    def expect(self, order_ids: Sequence[UUID]) -> None:
        """Events of these orders will follow from the call that is being answered."""
        ...

    def filled(self) -> None: ...
