"""What is measured is what is said: every order of the floor and of the yardstick is stored whole and shipped."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pytest
from benchmarks.places import _create, yardstick
from benchmarks.results import add, load
from benchmarks.rounds import clients_of
from benchmarks.wire import Basket, Client, Tally, orders

from benchmarks import pgbench, tables
from tests.support.postgres import Postgres
from tests.support.processes import free_port

SHIPPED = """
    select count(*) as orders, count(*) filter (where status = 'shipped') as shipped,
           (select count(*) from order_lines) as lines, (select count(*) from order_events where published) as events
    from orders
"""


@asynccontextmanager
async def filled(postgres: Postgres, name: str) -> AsyncIterator[tuple[str, Any]]:
    """Three titles whose price is 10, in euros, and the dollar at 2."""
    url = postgres.create(name)
    await _create(url)
    connection = await asyncpg.connect(url)
    try:
        for number in range(1, 501):
            title = f"t-{number:06}"
            await connection.execute(
                "insert into titles values ($1, '9780000000002', 'A', '{}', 'print', 'P', 2000)", title
            )
            await connection.execute("insert into list_prices values ($1, 'USD', 10)", title)
        await connection.execute("insert into price_breaks values (10, 5)")
        await connection.execute(
            "insert into rates select '2026-11-20', c, r from"
            " unnest('{USD,GBP,CHF,SEK,JPY,PLN}'::text[], '{2,1,1,10,150,4}'::numeric[]) as known(c, r)"
        )
        yield url, connection
    finally:
        await connection.close()


async def test_pgbench_stores_each_order_whole_and_ships_it(postgres: Postgres) -> None:
    async with filled(postgres, "bench_life") as (url, db):
        seen = await pgbench.run(url, 2, 1, life=True)
        found = await db.fetchrow(SHIPPED)
    assert found["orders"] == seen["orders"] > 10
    assert found["shipped"] == found["orders"]
    assert (found["lines"], found["events"]) == (2 * found["orders"], 3 * found["orders"])


async def test_the_yardstick_takes_an_order_as_the_contract_says_and_ships_it(postgres: Postgres) -> None:
    address = f"127.0.0.1:{free_port()}"
    async with filled(postgres, "bench_plain") as (url, db), yardstick(url, address):
        order = {"customer_id": "c-1", "currency": "EUR", "lines": [{"title_id": "t-000001", "quantity": 10}]}
        async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
            first = await client.post("/api/orders", json=order, headers={"idempotency-key": "k"})
            again = await client.post("/api/orders", json=order, headers={"idempotency-key": "k"})
            other = await client.post(
                "/api/orders", json=order | {"currency": "USD"}, headers={"idempotency-key": "k"}
            )
            unknown = {**order, "lines": [{"title_id": "none", "quantity": 1}]}
            refused = await client.post("/api/orders", json=unknown, headers={"idempotency-key": "l"})
        assert [a.status_code for a in (first, again, other, refused)] == [201, 200, 409, 400]
        assert Decimal(first.json()["total"]) == Decimal("47.50")
        assert first.json()["id"] == again.json()["id"]
        seen = await clients_of(address, 4, 1.0)
        assert seen["failed"] == 0
        assert seen["orders"] > 5
        async with asyncio.timeout(20):
            while (found := await db.fetchrow(SHIPPED))["shipped"] < found["orders"]:
                await asyncio.sleep(0.1)
        assert found["orders"] >= seen["orders"]
        assert found["events"] >= 2 * found["orders"]


class Pipe:
    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False


@pytest.mark.parametrize("cut", [1, 7, 40, 1000])
async def test_an_answer_counts_once_it_is_whole_however_it_arrives(cut: int) -> None:
    tally, pipe = Tally(open=True), Pipe()
    client = Client(orders("run", 1, Basket()), tally)
    client.connection_made(pipe)  # type: ignore[arg-type]
    answer = b"HTTP/1.1 201 Created\r\nContent-Length: 30\r\n\r\n" + b"x" * 30
    for at in range(0, len(answer), cut):
        assert len(pipe.written) == 1
        client.data_received(answer[at : at + cut])
    assert dict(tally.statuses) == {201: 1}
    assert len(pipe.written) == 2


def test_every_order_has_a_key_of_its_own_and_a_body_of_its_length() -> None:
    requests = [next(made) for made in (orders("run", n, Basket()) for n in (1, 1, 2)) for _ in "ab"]
    keys = [line for r in requests for line in r.split(b"\r\n") if line.startswith(b"idempotency-key")]
    assert len(set(keys)) == 4  # the first two clients are the same one
    for request in requests:
        head, _, body = request.partition(b"\r\n\r\n")
        assert f"content-length: {len(body)}".encode() in head
        assert len(json.loads(body)["lines"]) == 2


def _results(rate: float) -> dict[str, Any]:
    rounds = [
        {"rate": rate * r, "p50": 1, "p99": 2, "cpu_ms": {"order": 1.0}, "pss_mib": {"order": 50}}
        for r in (1, 1.02)
    ]
    return {"orders": {"16": {"at": "2026-11-25T01:00:00", "commit": "c", "rounds": {"mesh": rounds}}}}


def test_a_rate_that_fell_by_more_than_the_spread_is_named() -> None:
    assert tables.comparison(_results(100), _results(95), 10)[1] == []
    text, fallen = tables.comparison(_results(100), _results(70), 10)
    assert fallen == ["mesh, 16"]
    assert "-30 %" in text


def test_figures_of_one_kind_replace_those_of_before_and_leave_the_others(tmp_path: Any) -> None:
    path = tmp_path / "results.json"
    add(path, "orders", "1", {"a": []})
    add(path, "orders", "16", {"b": []})
    add(path, "orders", "1", {"c": []})
    found = load(path)["orders"]
    assert (found["1"]["rounds"], found["16"]["rounds"]) == ({"c": []}, {"b": []})
