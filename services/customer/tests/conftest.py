import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from decimal import Decimal

import pytest
from customer.database import database, migrate
from customer.domain import Customer
from customer.service import Customers
from customer.storage import SqlCustomers
from customer.storage import customers as table
from database import writing
from sqlalchemy import delete

from tests.support.postgres import Postgres


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


@pytest.fixture(scope="session")
def database_url(postgres: Postgres) -> str:
    url = postgres.create("customer")
    asyncio.run(migrate(url))
    return url


@pytest.fixture
async def sql_customers(database_url: str) -> AsyncIterator[SqlCustomers]:
    async with database(database_url) as engine:
        async with writing(engine).begin() as connection:
            await connection.execute(delete(table))
        yield SqlCustomers(engine)


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
