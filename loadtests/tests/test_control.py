import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loadtests.control import Load, LoadError
from loadtests.ledger import compare, read

from tests.support.standin import StandIn

Serving = Callable[[StandIn], Any]


async def test_a_load_is_started_read_and_stopped_gently(standin: Serving, tmp_path: Path) -> None:
    server, load = StandIn(), Load()
    async with standin(server) as port:
        await asyncio.to_thread(load.start, f"http://127.0.0.1:{port}", 60, 1, tmp_path)
        since = time.time()
        await asyncio.sleep(2.5)
        until = time.time()
        between, totals = load.stats_between(since, until), load.totals()
        assert load.running
        verdict = await asyncio.to_thread(load.stop)
    assert verdict.ok, verdict.details
    assert 0 < between.requests <= totals.requests <= verdict.requests
    assert between.requests == pytest.approx(60 * 2.5, abs=70)
    assert 0 < between.p50 <= between.p99 < 2000
    assert load.totals().requests == verdict.requests
    assert load.totals().orders_placed == verdict.orders_placed
    assert verdict.orders_unknown == 0
    assert compare(read(load.ledger), server.orders.rows).placed == verdict.orders_placed


def test_a_server_that_is_not_there_is_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"^http://127\.0\.0\.1:9 does not answer as it should: "):
        Load().start("http://127.0.0.1:9", 10, 1, tmp_path, patience=20)  # Locust is imported first


def test_who_controls_a_load_does_not_import_locust() -> None:
    code = "import sys, loadtests.control, loadtests.ledger; sys.exit(bool({'locust', 'gevent'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
