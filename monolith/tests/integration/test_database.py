import asyncio

import pytest
from monolith.database import Database, open_engine
from monolith.order.service import LocalOrders
from rest_api.errors import Unavailable
from rest_api.models import NewOrder
from sqlalchemy import make_url, select, text

from tests.support.postgres import Postgres


async def test_a_connection_that_died_is_replaced_unnoticed(
    postgres: Postgres, seeded_url: str, orders: LocalOrders, new_order: NewOrder
) -> None:
    await asyncio.gather(*(orders.list(new_order.customer_id, 1, "") for _ in range(8)))
    postgres.psql(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        f"where application_name = 'monolith' and datname = '{make_url(seeded_url).database}'"
    )
    await asyncio.sleep(0.1)
    placed = await asyncio.gather(*(orders.place("k", new_order) for _ in range(8)))
    assert len({p.order.id for p in placed}) == 1


async def test_a_database_that_is_away_is_unavailable() -> None:
    engine = open_engine("postgresql://nobody:nothing@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        await Database(engine).rows(select(1))
    await engine.dispose()


async def test_what_we_do_wrong_ourselves_is_no_answer(database: Database) -> None:
    with pytest.raises(Exception, match="does not exist") as error:
        await database.rows(text("select * from nothing where :secret = ''"), {"secret": "hunter2"})
    assert "hunter2" not in str(error.value)
