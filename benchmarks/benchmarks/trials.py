"""What is measured beside the rounds: shapes, telemetry, calls, stored orders, replicas, endurance, overload."""

import asyncio
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from localmesh import LocalRuntime
from runtime.api import Runtime
from runtime.manifests import ROOT
from strangler.modules import SHAPES
from strangler.steps import Strangler

from benchmarks.filling import fill
from benchmarks.places import instance
from benchmarks.rounds import Round, Row, clients_of, interleaved, measure
from benchmarks.usage import watched

Tell = Callable[[str, int, Round], None]
CALLEE = "currency"
SCALED = ("order", "gateway")
TRACING = ROOT / "istio" / "telemetry" / "mesh-wide.yaml"
AS_USUAL, SHARES = "Percentage: 10", (0, 10, 100)


async def edge_row(name: str, runtime: LocalRuntime, workload: str = "order") -> Row:
    address = runtime.edge().removeprefix("http://")
    return Row(name, address, (runtime.name,), database=await runtime.databases.admin_url(workload))


async def _json(module: str, *arguments: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"benchmarks.{module}",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ,
    )
    output, _ = await process.communicate()
    return json.loads(output)


async def reading(rows: Sequence[Row], kind: str) -> list[Row]:
    """The rows that can be asked for that: the yardstick knows titles only. Orders to be read are placed first."""
    found = []
    for row in rows:
        if row.name == "plain" and kind != "title":
            continue
        ids = await _ids(row) if kind == "order" else ""
        found.append(replace(row, options=("--read", kind, "--ids", ids), reads=True))
    return found


async def _ids(row: Row) -> str:
    import httpx

    async with httpx.AsyncClient(base_url=f"http://{row.address}", trust_env=False) as client:
        placed = []
        for _ in range(50):
            order = {
                "customer_id": "c-1003",
                "currency": "EUR",
                "lines": [{"title_id": "t-000001", "quantity": 1}],
            }
            answer = await client.post(
                "/api/orders", json=order, headers={"idempotency-key": uuid.uuid4().hex}
            )
            placed.append(answer.raise_for_status().json()["id"])
    return ",".join(placed)


async def shapes(name: str, beside: Row, rounds: int, seconds: float, clients: int, tell: Tell) -> Round:
    """The journey, measured in each shape; the yardstick is measured again beside each."""
    runtime = await LocalRuntime.up(name)
    found: dict[str, list[Round]] = {}
    try:
        strangler = Strangler(runtime, dwell=0.5)
        await strangler.begin()
        for shape in SHAPES:
            row = await edge_row(shape, runtime, "order" if shape >= "4" else "monolith")
            for _ in range(rounds):
                for one in (row, beside):
                    key = shape if one is row else f"{shape}, {beside.name}"
                    found.setdefault(key, []).append(await measure(one, clients, seconds))
                    tell(key, clients, found[key][-1])
            if shape != SHAPES[-1]:
                await strangler.forward()
    finally:
        await runtime.down()
    return found


async def telemetry(
    beside: Row, runtime: LocalRuntime, clients: int, rounds: int, seconds: float, tell: Tell
) -> dict[str, list[Round]]:
    """None, a tenth and all of the requests traced from the edge through all hops, in turns with `beside`."""
    row = await edge_row("mesh", runtime)
    with tempfile.TemporaryDirectory() as folder:
        traced = []
        for share in SHARES:
            file = Path(folder) / f"tracing-{share}.yaml"
            file.write_text(TRACING.read_text().replace(AS_USUAL, f"Percentage: {share}"))
            traced.append(replace(row, name=f"{share} % traced", before=partial(_in_force, runtime, file)))
        try:
            return await interleaved([beside, *traced], clients, rounds, seconds, tell)
        finally:
            await runtime.mesh.apply([TRACING])


async def _in_force(runtime: LocalRuntime, file: Path) -> None:
    await runtime.mesh.apply([file])
    await asyncio.sleep(1)


async def calls(
    without: LocalRuntime, meshed: LocalRuntime, rounds: int, seconds: float
) -> dict[str, list[Round]]:
    """The same call directly and through a pair of sidecars, one at a time."""
    direct = (await without.workloads.address(CALLEE), "")
    through = (await meshed.mesh.egress("gateway"), f"{CALLEE}:50051")
    found: dict[str, list[Round]] = {"grpc.aio": [], "grpc.aio through a pair of sidecars": []}
    for _ in range(rounds):
        for name, (target, authority) in zip(found, (direct, through), strict=True):
            found[name].append(
                await _json("echo", target, "--authority", authority, "--seconds", str(seconds))
            )
    return found


async def stored(name: str, sizes: list[int], titles: int, clients: int, seconds: float, tell: Tell) -> Round:
    """Cost of an order and of a page when so many are stored already."""
    runtime = await instance(name, mesh=True, titles=titles)
    row, found = await edge_row("mesh", runtime), {}
    for size in sizes:
        await fill(runtime, size)
        await clients_of(row.address, clients, 1.0, "--titles", str(titles))  # caches of the new size
        seen = await measure(row, clients, seconds, options=("--titles", str(titles)))
        seen["page_ms"] = await _page_ms(runtime)
        found[str(size)] = [seen]
        tell(f"{size:,} orders", clients, seen)
    return found


async def _page_ms(runtime: Runtime) -> float:
    import httpx

    times = []
    async with httpx.AsyncClient(base_url=runtime.edge(), trust_env=False) as client:
        for _ in range(41):
            begun = time.perf_counter()
            (await client.get("/api/orders?customer_id=c-1003&page_size=20")).raise_for_status()
            times.append(time.perf_counter() - begun)
    return round(1000 * sorted(times)[len(times) // 2], 2)


async def replicas(
    runtime: LocalRuntime, counts: list[int], clients: int, rounds: int, seconds: float, tell: Tell
) -> Round:
    row, found = await edge_row("mesh", runtime), {}
    try:
        for count in counts:
            for workload in SCALED:
                await runtime.workloads.scale(workload, count)
            found[str(count)] = [await measure(row, clients, seconds) for _ in range(rounds)]
            tell(f"{count} replicas", clients, found[str(count)][-1])
    finally:
        for workload in SCALED:
            await runtime.workloads.scale(workload, 1)
    return found


async def soak(runtime: LocalRuntime, minutes: float, clients: int, tell: Callable[[str], None]) -> Round:
    """Memory, descriptors and connections every 30 seconds under a modest load."""
    row, samples = await edge_row("mesh", runtime), []
    load = asyncio.create_task(
        clients_of(row.address, clients, minutes * 60, "--pause", "0.1", "--warm", "30")
    )
    begun = time.monotonic()
    while not load.done():
        await asyncio.wait([load], timeout=30)
        seen = await asyncio.to_thread(watched, runtime.name)
        samples.append({"at": round(time.monotonic() - begun), **seen})
        total = {name: sum(of.values()) for name, of in seen.items()}
        tell(
            f"{samples[-1]['at']:>5} s  {total['pss_mib']:.0f} MiB  {total['fds']} fds  {total['sockets']} sockets"
        )
    return {"load": await load, "samples": samples}


async def overload(row: Row, tell: Callable[[str], None]) -> Round:
    peak = (await clients_of(row.address, 64, 6))["rate"]
    tell(f"peak {peak:.0f} orders/s; now {3 * peak:.0f}/s are offered")
    seconds = await _json("overload", row.address, "--capacity", str(peak))
    during = [s["good"] for s in seconds if s["phase"] == "overload"][1:]
    calm = max(s["p99"] for s in seconds if s["phase"] == "calm")
    after = [s for s in seconds if s["phase"] == "recovery"]
    well = next((n for n, s in enumerate(after) if s["p99"] <= 2 * calm and not s["refused"]), None)
    goodput = sum(during) / len(during)
    tell(f"goodput {goodput:.0f}/s, {100 * goodput / peak:.0f} % of the peak; well again after {well} s")
    return {"peak": peak, "goodput": round(goodput, 1), "recovered_after": well, "seconds": seconds}
