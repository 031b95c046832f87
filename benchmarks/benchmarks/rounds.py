"""Rounds: every row gets its turn in each round, so that whatever the machine does meanwhile is done to all."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks import pgbench
from benchmarks.places import stored
from benchmarks.usage import usage

Round = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to be measured: where it answers, what runs for it, where its orders are."""

    name: str
    address: str = ""
    instances: tuple[str, ...] = ()
    processes: dict[str, int] = field(default_factory=dict)
    database: str = ""
    before: Callable[[], Awaitable[None]] | None = None
    bare: str = ""  # pgbench: `place`, or `life` for all that follows, too
    options: tuple[str, ...] = ()  # of the client
    reads: bool = False  # then costs are those of an answer, not of a stored order


async def measure(row: Row, clients: int, seconds: float, *, options: tuple[str, ...] = ()) -> Round:
    """One round: what the clients saw, and what it cost in CPU, memory and write-ahead log."""
    if row.before is not None:
        await row.before()
    orders, wal = await stored(row.database)
    begun = usage(*row.instances, plus=row.processes)
    if row.bare:
        seen = await pgbench.run(row.database, clients, seconds, life=row.bare == "life")
    else:
        seen = await clients_of(row.address, clients, seconds, *row.options, *options)
    ended = usage(*row.instances, plus=row.processes, memory=True)
    orders_now, wal_now = await stored(row.database)
    new = max(1, seen["orders"] if row.reads else orders_now - orders)
    seen["stored"] = orders_now - orders
    seen["wal_bytes"] = round((wal_now - wal) / new)
    seen["cpu_ms"] = {
        name: round((ended.cpu[name] - begun.cpu.get(name, 0)) * 1000 / new, 4)
        for name in sorted(ended.cpu)
        if ended.cpu[name] > begun.cpu.get(name, 0)
    }
    seen["pss_mib"] = {name: round(size / 2**20, 1) for name, size in sorted(ended.pss.items())}
    if not row.bare:
        seen["cpu_ms"]["(client)"] = round(seen.pop("cpu") * 1000 / max(1, seen["orders"]), 4)
    return seen


async def clients_of(address: str, clients: int, seconds: float, *options: str) -> Round:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.client",
        address,
        "--clients",
        str(clients),
        "--seconds",
        str(seconds),
        *options,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    seen: Round = json.loads(output)
    return seen


async def interleaved(
    rows: list[Row], clients: int, rounds: int, seconds: float, tell: Callable[[str, int, Round], None]
) -> dict[str, list[Round]]:
    """Each round begins with another row, so that none always follows the same one."""
    results: dict[str, list[Round]] = {row.name: [] for row in rows}
    for number in range(rounds):
        first = number % len(rows)
        for row in [*rows[first:], *rows[:first]]:
            found = await measure(row, clients, seconds)
            results[row.name].append(found)
            tell(row.name, clients, found)
            await asyncio.sleep(1.0)  # events of these orders are still under way
    return results
