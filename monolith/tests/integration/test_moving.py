"""Modules that move while the process runs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from monolith.database import Database, open_engine
from monolith.order.fulfilment import Fulfilment
from monolith.order.service import LocalOrders
from monolith.seams import fence
from monolith.seams.fence import FencedDatabase, FencedFulfilment
from monolith.seams.migrations import migrate
from monolith.seams.order import SwitchableOrders
from monolith.seams.placement import LocalOrRemote, Placement
from rest_api.errors import NotTheWriter, Unavailable
from rest_api.models import NewOrder
from rest_api.ports import Placed
from sqlalchemy import text
from tracing import Traces

from tests.support.postgres import Postgres

FENCE = (
    """create or replace function fence() returns trigger language plpgsql as $$
       begin raise exception 'written elsewhere' using errcode = 'FT001'; end $$""",
    """create trigger fence before insert or update or delete on orders
       for each statement execute function fence()""",
)


class Side:
    """The other side: takes orders, or is not the writer either."""

    def __init__(self, *, writes: bool) -> None:
        self.writes = writes
        self.calls = 0

    async def place(self, key: str, order: NewOrder) -> Any:
        self.calls += 1
        if not self.writes:
            raise NotTheWriter
        return Placed(None)  # type: ignore[arg-type]


@pytest.fixture
async def database(seeded_url: str) -> AsyncIterator[Database]:
    engine = open_engine(seeded_url)
    yield FencedDatabase(engine)
    await engine.dispose()


@pytest.fixture
async def fenced(database: Database) -> AsyncIterator[None]:
    for statement in FENCE:
        await database.rows(text(statement))
    yield
    await database.rows(text("drop trigger fence on orders"))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence, "PAUSES", (0.0, 0.01, 0.01))


@pytest.mark.usefixtures("fenced")
async def test_a_fenced_write_goes_to_the_other_side(orders: LocalOrders, new_order: NewOrder) -> None:
    remote: Any = Side(writes=True)
    await SwitchableOrders("order", orders, remote).place("k", new_order)
    assert remote.calls == 1
    assert (await orders.list(new_order.customer_id, 10, "")).orders == ()


async def test_a_write_that_moved_back_is_taken_here(orders: LocalOrders, new_order: NewOrder) -> None:
    remote: Any = Side(writes=False)
    both = SwitchableOrders("order", orders, remote)
    both.is_remote = True
    placed = await both.place("k", new_order)
    assert remote.calls == 1
    assert (await orders.get(placed.order.id)).customer_id == new_order.customer_id


@pytest.mark.usefixtures("fenced")
async def test_while_nobody_writes_it_is_unavailable_after_three_changes(
    orders: LocalOrders, new_order: NewOrder
) -> None:
    remote: Any = Side(writes=False)
    with pytest.raises(Unavailable, match="same key"):
        await SwitchableOrders("order", orders, remote).place("k", new_order)
    assert remote.calls == 2


@pytest.mark.usefixtures("fenced")
async def test_the_worker_learns_that_it_is_not_the_writer(database: Database) -> None:
    with pytest.raises(NotTheWriter):
        await Fulfilment(database, 0, Traces()).step()


@pytest.mark.usefixtures("fenced")
async def test_the_worker_pauses_while_it_is_not_the_writer(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fence, "REST", 0.2)
    begun = asyncio.get_running_loop().time()
    await FencedFulfilment(database, 0, Traces()).run_once()
    assert asyncio.get_running_loop().time() - begun >= 0.2


async def test_placement_follows_its_table_and_survives_without_it(postgres: Postgres) -> None:
    url = postgres.create("placement")
    await migrate(url)
    engine = open_engine(url, extra_connections=1)
    database = Database(engine)
    titles = LocalOrRemote("title", "here", "there")
    rates = LocalOrRemote("currency", "here", "there")
    placement = Placement(engine, [titles, rates])
    following = asyncio.create_task(placement.follow())
    try:
        assert (titles(), rates()) == ("here", "here")
        await database.rows(
            text("insert into module_placement values ('title', 'remote'), ('currency', 'local')")
        )
        await asyncio.sleep(0.5)
        assert (titles(), rates()) == ("there", "here")
        await database.rows(text("alter table module_placement rename to gone"))
        await asyncio.sleep(0.5)
        assert titles() == "there"
        await database.rows(text("alter table gone rename to module_placement"))
        await database.rows(text("delete from module_placement"))
        await asyncio.sleep(1.5)
        assert titles() == "here"
        await database.rows(
            text("select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen %'")
        )
        await asyncio.sleep(1.5)
        await database.rows(text("insert into module_placement values ('title', 'remote')"))
        await asyncio.sleep(0.5)
        assert titles() == "there"  # a new connection listens
    finally:
        following.cancel()
        await asyncio.wait([following])
        await engine.dispose()
