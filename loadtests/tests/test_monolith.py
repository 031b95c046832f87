"""The load on the real monolith: nothing to find while it is healthy, and everything that is planted."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import psutil
import pytest
from loadtests.ledger import Row, compare

from tests.support.dropping import dropping
from tests.support.postgres import Postgres
from tests.support.processes import answers_http, command, cpu_seconds, finish, free_port, running

ROOT = Path(__file__).parents[2]
Load = Callable[..., Awaitable[Any]]


class Monolith(NamedTuple):
    port: int
    database: str
    process: psutil.Process

    async def rows(self) -> list[Row]:
        connection = await asyncpg.connect(self.database)
        try:
            found = await connection.fetch("select id::text, customer_id, idempotency_key, total from orders")
        finally:
            await connection.close()
        return [Row(*row) for row in found]


@pytest.fixture(scope="module")
def monolith(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monolith]:
    database, port = postgres.create("load"), free_port()
    finish("monolith", "migrate", DATABASE_URL=database)
    finish("monolith", "seed", DATABASE_URL=database)
    log = tmp_path_factory.mktemp("monolith") / "log"
    settings = {"DATABASE_URL": database, "LISTEN": f"127.0.0.1:{port}"}
    with running(command("monolith"), log, answers_http(port), **settings) as process:
        yield Monolith(port, database, psutil.Process(process.pid))


@pytest.mark.alone
async def test_a_healthy_monolith_is_found_healthy(monolith: Monolith, load: Load) -> None:
    before = cpu_seconds(monolith.process)
    run = await load(f"http://127.0.0.1:{monolith.port}", rate=120, seconds=8)
    served = cpu_seconds(monolith.process) - before
    assert run.status == 0, run.messages
    assert run.verdict.requests == pytest.approx(960, rel=0.15)
    used = run.verdict.cpu_percent / 100 * run.verdict.seconds
    assert used < served / 2  # 0.25 to 0.34 of it on 2 cores, busy or not
    comparison = compare(run.ledger, await monolith.rows())
    assert comparison.ok
    assert comparison.placed == comparison.stored == run.verdict.orders_placed > 100


async def test_each_dropped_connection_is_found_and_no_order_is_lost(monolith: Monolith, load: Load) -> None:
    async with dropping(monolith.port, share=0.03) as proxy:
        run = await load(proxy.url, rate=120, seconds=4)
    assert run.status == 1
    assert run.verdict.failures == proxy.dropped > 0
    assert run.verdict.wrong == 0
    assert compare(run.ledger, await monolith.rows()).ok


async def test_a_tampered_price_is_found(monolith: Monolith, load: Load) -> None:
    connection = await asyncpg.connect(monolith.database)
    await connection.execute("update list_prices set amount = amount + 1 where title_id like '%7'")
    await connection.close()
    run = await load(f"http://127.0.0.1:{monolith.port}", seconds=3)
    assert run.status == 1
    assert run.verdict.wrong > 0
    assert run.verdict.failures == 0
    assert any("the list price is" in message for message in run.messages), run.messages


async def test_a_lost_order_is_found(monolith: Monolith, load: Load) -> None:
    run = await load(f"http://127.0.0.1:{monolith.port}", seconds=2)
    rows = await monolith.rows()
    missing = next(row for row in rows if (row.customer_id, row.idempotency_key) in run.ledger.placed)
    without = [row for row in rows if row is not missing]
    assert compare(run.ledger, without).lost == [(missing.customer_id, missing.idempotency_key)]


async def test_a_figure_that_falls_short_fails_the_locust_run_and_is_named(
    monolith: Monolith, tmp_path: Path
) -> None:
    settings = {"SHAPE": "steady", "LOAD": "40", "DURATION": "4", "LIMITS": "failed<=0 wrong<=0 rps>=1000"}
    process = await asyncio.create_subprocess_exec(
        *command("locust"),
        "-f",
        ROOT / "loadtests" / "locustfile.py",
        "--headless",
        "--only-summary",
        "--host",
        f"http://127.0.0.1:{monolith.port}",
        "--html",
        tmp_path / "report.html",
        "--csv",
        tmp_path / "load",
        env=os.environ | settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    assert process.returncode == 1
    (short,) = [line for line in output.decode().splitlines() if "fell short: rps" in line]
    assert re.fullmatch(r"\[load\] fell short: rps is [\d.]+, at least 1000 was asked for", short)
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert "Aggregated" in (tmp_path / "load_stats.csv").read_text()
