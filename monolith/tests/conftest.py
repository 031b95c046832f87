import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from monolith.currency.service import LocalCurrencies
from monolith.database import Database, open_engine
from monolith.migrations import migrate
from monolith.order.service import LocalOrders
from monolith.order.storage import OrderStorage
from monolith.order.watch import Watches
from monolith.pricing.service import LocalPricing
from monolith.seams.migrations import migrate as migrate_with_seams
from monolith.seed import seed
from monolith.title.service import LocalTitles
from rest_api.models import Line, NewOrder
from rest_api.ports import Titles
from tracing import Traces

from tests.support.postgres import Postgres


@pytest.fixture(scope="session")
def empty_url(postgres: Postgres) -> str:
    """A migrated database for whoever writes what others would trip over."""
    url = postgres.create("empty")
    asyncio.run(migrate(url))
    return url


@pytest.fixture(scope="session")
def seeded_url(postgres: Postgres) -> str:
    url = postgres.create("seeded")
    asyncio.run(migrate_with_seams(url))
    asyncio.run(seed(url))
    return url


@pytest.fixture
async def database(seeded_url: str) -> AsyncIterator[Database]:
    engine = open_engine(seeded_url)
    yield Database(engine)
    await engine.dispose()


@pytest.fixture
def titles(database: Database) -> Titles:
    return LocalTitles(database)


@pytest.fixture
def currencies(database: Database) -> LocalCurrencies:
    return LocalCurrencies(database)


@pytest.fixture
def pricing(database: Database, titles: Titles, currencies: LocalCurrencies) -> LocalPricing:
    return LocalPricing(database, titles, currencies, "v1")


@pytest.fixture
def watches(database: Database) -> Watches:
    return Watches(database)


@pytest.fixture
def orders(database: Database, watches: Watches, pricing: LocalPricing) -> LocalOrders:
    return LocalOrders(OrderStorage(database), watches, pricing, Traces())


@pytest.fixture
def new_order() -> NewOrder:
    """By a customer whom no other test knows."""
    lines = (Line(title_id="t-000001", quantity=2), Line(title_id="t-000002", quantity=10))
    return NewOrder(customer_id=f"c-{uuid4().hex[:12]}", currency="EUR", lines=lines)
