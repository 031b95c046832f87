"""How soon the first order is placed, and what everything takes while nobody asks for anything."""

import asyncio
import json
import os
import sys
import time
from typing import Any

import httpx
from localmesh import LocalRuntime
from runtime.api import RuntimeFailure
from strangler.modules import SHAPES
from strangler.steps import Strangler

from benchmarks.usage import usage

LARGEST = "4-order"  # the shape with the most processes
ORDER = {
    "customer_id": "c-1001",
    "currency": "EUR",
    "lines": [{"title_id": "t-000001", "quantity": 2}],
}
SETTLED_AFTER = 75.0  # PostgreSQL looks for freshly filled tables once a minute


async def footprint(name: str, starts: int, seconds: float) -> dict[str, Any]:
    """Seconds of `starts` starts; of the last one's largest shape MiB, and percent of a core while idle, by process."""
    first = []
    for number in range(starts):
        if number:
            await (await LocalRuntime.connect(name)).down()
        first.append(await _first_order(name))
    runtime = await LocalRuntime.connect(name)
    strangler = Strangler(runtime, dwell=0.5)
    while SHAPES[(await strangler.state.position())[0]] != LARGEST:
        await strangler.forward()
    await asyncio.sleep(SETTLED_AFTER)
    begun = usage(name)
    await asyncio.sleep(seconds)
    ended = usage(name, memory=True)
    return {
        "starts": first,
        "pss_mib": {what: round(size / 2**20, 1) for what, size in sorted(ended.pss.items())},
        "idle_percent": {
            what: round(100 * (ended.cpu[what] - begun.cpu.get(what, 0)) / seconds, 2)
            for what in sorted(ended.cpu)
        },
    }


async def _first_order(name: str) -> dict[str, float]:
    """Seconds from the command until it says that all is up, and until an order is stored."""
    begun = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        "up",
        "--json",
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"FIGTREE_NAME": name, "MESH_NETWORK": "shared"},
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeFailure("`figtree up` has failed")
    up = time.monotonic() - begun
    async with httpx.AsyncClient(base_url=json.loads(output)["edge"], trust_env=False) as client:
        answer = await client.post("/api/orders", json=ORDER, headers={"idempotency-key": "first"})
    if answer.status_code != 201:
        raise RuntimeFailure(f"the first order was answered {answer.status_code}")
    return {"up": round(up, 2), "first_order": round(time.monotonic() - begun, 2)}
