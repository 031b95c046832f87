import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from currency.cache import CachedRates
from currency.database import database, migrate
from currency.domain import Found, Rate, Table
from currency.service import Exchange, Rates
from currency.servicer import STATUS, CurrencyServicer
from currency.storage import SqlRates
from figtree.currency.v1.currency_pb2_grpc import CurrencyServiceStub, add_CurrencyServiceServicer_to_server
from grpc import aio
from service_kit.context import Conventions
from service_kit.errors import ErrorInterceptor

from tests.support.implementations import IMPLEMENTATIONS, currency
from tests.support.postgres import Postgres, emptied, migrated_database


class MemoryRates:
    def __init__(self) -> None:
        self._rates: dict[tuple[date, str], Decimal] = {}
        self.reads = 0

    async def find(self, on: date | None) -> Found | None:
        self.reads += 1
        days = sorted({day for day, _ in self._rates})
        if not days:
            return None
        known = [day for day in days if on is None or day <= on]
        if not known:
            return Found(days[0], days[-1], None)
        found = {code: rate for (day, code), rate in self._rates.items() if day == known[-1]}
        rates = dict(sorted((found | {"EUR": Decimal(1)}).items()))
        return Found(days[0], days[-1], Table(known[-1], rates))

    async def put(self, batches: Iterable[Sequence[Rate]]) -> int:
        found = [rate for batch in batches for rate in batch]
        self._rates |= {(rate.date, rate.currency): rate.rate for rate in found}
        return len(found)


database_url = migrated_database("currency", migrate)
sql_rates = emptied(database, SqlRates, "rates")


@pytest.fixture
def memory() -> MemoryRates:
    return MemoryRates()


def stored(request: pytest.FixtureRequest, kind: str) -> Rates:
    if kind == "memory":
        memory: MemoryRates = request.getfixturevalue("memory")
        return memory
    sql: SqlRates = request.getfixturevalue("sql_rates")
    return CachedRates(sql) if kind == "cached" else sql


@pytest.fixture(params=["memory", "postgres", "cached"])
def rates(request: pytest.FixtureRequest) -> Rates:
    return stored(request, request.param)


HISTORY = [  # a Thursday, the Friday before Easter Monday left out, and a Friday at the end
    Rate(date(2026, 4, 2), "USD", Decimal("1.1500")),
    Rate(date(2026, 4, 2), "JPY", Decimal("170.25")),
    Rate(date(2026, 4, 7), "USD", Decimal("1.1600")),
    Rate(date(2026, 4, 10), "USD", Decimal("1.1700")),
    Rate(date(2026, 4, 10), "GBP", Decimal("0.86515")),
    Rate(date(2026, 4, 10), "JPY", Decimal("171.00")),
]


@pytest.fixture
def history() -> list[Rate]:
    return list(HISTORY)


async def _fill(url: str, rates: Sequence[Rate]) -> None:
    await migrate(url)
    async with database(url) as engine:
        await SqlRates(engine).put([rates])


@pytest.fixture(scope="session")
def filled_url(postgres: Postgres) -> str:
    """A database of its own, which holds the history."""
    url = postgres.create("currency")
    asyncio.run(_fill(url, HISTORY))
    return url


@pytest.fixture(scope="session")
def addresses(filled_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Where each implementation serves the history, as a process of its own."""
    with ExitStack() as stopping:
        yield {
            name: stopping.enter_context(
                currency(name, tmp_path_factory.mktemp(name), DATABASE_URL=filled_url)
            )
            for name in IMPLEMENTATIONS
        }


@pytest.fixture(params=["memory", "postgres", "cached", *(f"{name} process" for name in IMPLEMENTATIONS)])
def served(request: pytest.FixtureRequest) -> Rates | str:
    """A store to be served in this process, or the address of an implementation's own process."""
    if request.param.endswith(" process"):
        addresses: Mapping[str, str] = request.getfixturevalue("addresses")
        return addresses[request.param.partition(" ")[0]]
    return stored(request, request.param)


@pytest.fixture
async def stub(served: Rates | str, tmp_path: Path) -> AsyncIterator[Any]:
    """A client of a server that holds the history."""
    if isinstance(served, str):
        async with aio.insecure_channel(served) as channel:
            yield CurrencyServiceStub(channel)
        return
    await served.put([HISTORY])
    server = aio.server(interceptors=[ErrorInterceptor(STATUS, Conventions())])
    add_CurrencyServiceServicer_to_server(CurrencyServicer(Exchange(served)), server)
    server.add_insecure_port(f"unix:{tmp_path}/currency")
    await server.start()
    async with aio.insecure_channel(f"unix:{tmp_path}/currency") as channel:
        yield CurrencyServiceStub(channel)
    await server.stop(None)
