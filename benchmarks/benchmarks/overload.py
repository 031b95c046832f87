"""Three times as many orders as can be taken: how many are, and how soon all is well again."""

import argparse
import asyncio
import json
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

import uvloop

from benchmarks.client import percentile
from benchmarks.wire import Basket, Client, Tally, orders

MOST = 1500  # connections: who finds none free has no room even to ask


class Asker(Client):
    """Sends one order when it is told to, and says what came of it."""

    def __init__(self, requests: Iterator[bytes], done: Any) -> None:
        super().__init__(requests, Tally())
        self._done = done
        self.begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def ask(self) -> None:
        self.begun = time.perf_counter()
        self._send()

    def answered(self, status: int) -> None:
        self._done(self, status)


async def offer(address: str, phases: list[tuple[str, float, float]]) -> list[dict[str, Any]]:
    """Orders at a fixed rate whatever the answers; each second's figures. Phases: name, rate, seconds."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    seconds: dict[int, dict[str, Any]] = defaultdict(
        lambda: {"offered": 0, "times": [], "refused": 0, "no_room": 0}
    )
    free: list[Asker] = []
    begun = time.perf_counter()
    run = f"over-{uuid.uuid4().hex[:10]}"

    def now() -> dict[str, Any]:
        return seconds[int(time.perf_counter() - begun)]

    def done(asker: Asker, status: int) -> None:
        if status == 201:
            now()["times"].append(time.perf_counter() - asker.begun)
        else:
            now()["refused"] += 1
        free.append(asker)

    made = 0
    names: dict[int, str] = {}
    at = 0.0
    for name, rate, length in phases:
        names |= {second: name for second in range(int(at), int(at + length))}
        sent, started = 0, begun + at
        while (passed := time.perf_counter() - started) < length:
            while sent < passed * rate:
                sent += 1
                now()["offered"] += 1
                if free:
                    free.pop().ask()
                elif made < MOST:
                    made += 1
                    _, asker = await loop.create_connection(
                        partial(Asker, orders(run, made, Basket()), done),
                        host,
                        int(port),
                    )
                    asker.ask()
                else:
                    now()["no_room"] += 1
            await asyncio.sleep(0.002)
        at += length
    await asyncio.sleep(1)
    return [_second(n, names.get(n, "after"), seconds[n]) for n in sorted(seconds)]


def _second(number: int, phase: str, seen: dict[str, Any]) -> dict[str, Any]:
    times = sorted(seen.pop("times"))
    return {
        "second": number,
        "phase": phase,
        **seen,
        "good": len(times),
        **{f"p{p}": round(1000 * percentile(times, p), 1) for p in (50, 99)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--capacity", type=float, required=True)
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    phases = [
        ("calm", given.capacity / 2, 5.0),
        ("overload", given.capacity * 3, given.seconds),
        ("recovery", given.capacity / 2, 10.0),
    ]
    sys.stdout.write(json.dumps(uvloop.run(offer(given.address, phases))) + "\n")


if __name__ == "__main__":
    main()
