from collections.abc import Iterable, Sequence
from decimal import Decimal

import pytest
from customer.database import database, migrate
from customer.domain import Customer
from customer.service import Customers
from customer.storage import SqlCustomers

from tests.support.postgres import emptied, migrated_database


class MemoryCustomers:
    def __init__(self) -> None:
        self._customers: dict[str, Customer] = {}

    async def get_many(self, ids: Sequence[str]) -> Sequence[Customer]:
        return [self._customers[one] for one in ids if one in self._customers]

    async def is_empty(self) -> bool:
        return not self._customers

    async def put(self, batches: Iterable[Sequence[Customer]]) -> int:
        found = [customer for batch in batches for customer in batch]
        self._customers |= {customer.id: customer for customer in found}
        return len(found)


database_url = migrated_database("customer", migrate)
sql_customers = emptied(database, SqlCustomers, "customers")


@pytest.fixture
def memory() -> MemoryCustomers:
    return MemoryCustomers()


@pytest.fixture(params=["memory", "postgres"])
def customers(request: pytest.FixtureRequest, memory: MemoryCustomers) -> Customers:
    found: Customers = memory if request.param == "memory" else request.getfixturevalue("sql_customers")
    return found


@pytest.fixture
def york() -> Customer:
    return Customer("c-1039", "York Minster Library", "gold", Decimal(5), Decimal("900000.50"), "GBP")
