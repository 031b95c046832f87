"""Every order's history is linearizable, across both owners and during every cut-over; a stale read is found."""

import asyncio
from pathlib import Path

import pytest
from cli.tour import Silent
from loadtests.control import Load
from localmesh import LocalRuntime
from strangler.database import MONOLITH, connected
from strangler.modules import ORDER
from strangler.names import name_of
from strangler.steps import Strangler

from tests.support.histories import check_history

ALL = "        - destination: {host: gateway, port: {number: 8080}}\n"
HALF = f"{ALL}          weight: 50\n{ALL.replace('gateway', 'monolith')}          weight: 50\n"

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


async def test_every_order_has_one_history_while_orders_change_their_owner_and_a_stale_read_is_found(
    runtime: LocalRuntime, tmp_path: Path
) -> None:
    strangler, load = Strangler(runtime, dwell=1.0, progress=Silent().phase), Load()
    await strangler.begin()
    for _ in range(3):
        await strangler.forward()
    await asyncio.to_thread(load.start, runtime.edge(), 30, 1, tmp_path / "moves", history=True)
    await strangler.forward()
    await strangler.back()
    await strangler.forward()
    verdict = await asyncio.to_thread(load.stop)
    seen = check_history(load.history)
    assert (seen.violations, seen.undecided, verdict.failures, verdict.wrong) == ([], [], 0, 0)
    assert seen.orders > 200
    assert seen.calls > 5 * seen.orders

    # The old owner answers half of the reads from a copy that is no longer fed.
    async with connected(runtime, MONOLITH) as db:
        await db.execute(f"alter subscription {name_of(ORDER, 'back')} disable")
        await db.execute("update module_placement set place = 'local' where module = 'order'")
    half = tmp_path / "half.yaml"
    half.write_text(ORDER.traffic("100").read_text().replace(ALL, HALF))
    assert HALF in half.read_text()
    await runtime.mesh.apply([half])
    await asyncio.to_thread(load.start, runtime.edge(), 20, 2, tmp_path / "stale", history=True)
    await asyncio.sleep(4)
    await asyncio.to_thread(load.stop)
    stale = check_history(load.history)
    assert stale.violations
    assert any("read" in call and "rank 0" in call for call in stale.violations[0])
