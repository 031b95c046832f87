"""The use cases of accounts, and what they need."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from common import jsonlines

from customer import domain
from customer.domain import Customer, InvalidRequest, UnknownCustomer

BATCH = 1_000


class Customers(Protocol):
    """The store of accounts."""

    async def get_many(self, ids: Sequence[str]) -> Sequence[Customer]:
        """Those that exist, in any order."""
        ...

    async def is_empty(self) -> bool:
        """Whether there is no account."""
        ...

    async def put(self, batches: Iterable[Sequence[Customer]]) -> int:
        """Insert or replace all of them or none; how many they were."""
        ...


@dataclass(frozen=True, slots=True)
class Accounts:
    """The use cases of accounts."""

    customers: Customers

    async def get(self, customer_id: str, user: str = "") -> Customer:
        """Raises UnknownCustomer also for the account of another than `user`, the user that the mesh verified."""
        if user in ("", customer_id) and (found := await self.batch_get([customer_id])):
            return found[0]
        raise UnknownCustomer(customer_id)

    async def batch_get(self, customer_ids: Sequence[str]) -> Sequence[Customer]:
        """Those that exist, in the order asked for, each once."""
        if len(customer_ids) > BATCH:
            raise InvalidRequest([("customer_ids", f"must be at most {BATCH}")])
        ids = [customer_id for customer_id in dict.fromkeys(customer_ids) if domain.is_id(customer_id)]
        found = {one.id: one for one in await self.customers.get_many(ids)} if ids else {}
        return [found[customer_id] for customer_id in ids if customer_id in found]

    async def load(self, lines: Iterable[bytes]) -> int:
        """Import JSON lines, all or none."""
        customers = jsonlines.read(lines, domain.customer_from, exact=True)
        return await self.customers.put(jsonlines.batches(customers, BATCH))

    async def seed(self, customers: Sequence[Customer]) -> int:
        """Fill an empty store; one that holds anything stays as it is."""
        return await self.customers.put([customers]) if await self.customers.is_empty() else 0
