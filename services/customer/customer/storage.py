"""The table `customers` and its statements."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from database import writing
from sqlalchemy import Column, MetaData, Numeric, Table, Text, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from customer.database import rows, translating
from customer.domain import Customer

metadata = MetaData()
customers = Table(
    "customers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("discount_percent", Numeric, nullable=False),
    Column("credit_limit", Numeric, nullable=False),
    Column("credit_currency", Text, nullable=False),
)

UPSERT = insert(customers)
UPSERT = UPSERT.on_conflict_do_update(
    index_elements=["id"],
    set_={column.name: UPSERT.excluded[column.name] for column in customers.c},
)


class SqlCustomers:
    """Accounts in PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get_many(self, ids: Sequence[str]) -> Sequence[Customer]:
        """Those that exist, in any order."""
        statement = select(customers).where(customers.c.id == func.any(ids))
        return [Customer(**row._mapping) for row in await rows(self._engine, statement)]

    async def is_empty(self) -> bool:
        """Whether the table has no row."""
        return not await rows(self._engine, select(customers.c.id).limit(1))

    async def put(self, batches: Iterable[Sequence[Customer]]) -> int:
        """Insert or replace all accounts or none; returns how many they were."""
        count = 0
        with translating():
            async with writing(self._engine).begin() as connection:
                for batch in batches:
                    await connection.execute(UPSERT, [asdict(customer) for customer in batch])
                    count += len(batch)
        return count
