"""`python -m benchmarks.client HOST:PORT`: the lean load as a process of its own, so that its CPU is counted apart."""

import argparse
import json
import sys
import time
import uuid
from typing import Any

import uvloop

from benchmarks.wire import READS, Basket, Tally, load, orders, reads


def percentile(times: list[float], percent: float) -> float:
    return times[min(len(times) - 1, int(len(times) * percent / 100))] if times else 0.0


def report(tally: Tally, seconds: float, cpu: float, status: int = 201) -> dict[str, Any]:
    times = sorted(tally.times)
    good = tally.statuses[status]
    return {
        "orders": good,
        "seconds": round(seconds, 3),
        "rate": round(good / seconds, 1),
        **{f"p{p:g}": round(percentile(times, p) * 1000, 3) for p in (50, 95, 99, 99.9)},
        "statuses": dict(tally.statuses),
        "failed": sum(tally.statuses.values()) - good + tally.cut,
        "sent_bytes": round(tally.sent / max(1, len(times)), 1),
        "received_bytes": round(tally.received / max(1, len(times)), 1),
        "cpu": round(cpu, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.client", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--warm", type=float, default=0.5)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--titles", type=int, default=500)
    parser.add_argument("--lines", type=int, default=2)
    parser.add_argument("--read", choices=READS, help="in the place of orders")
    parser.add_argument("--ids", default="", help="of orders to be read, with commas")
    given = parser.parse_args()
    host, _, port = given.address.rpartition(":")
    run = f"bench-{uuid.uuid4().hex[:12]}"
    ids = given.ids.split(",")
    begun = time.process_time()
    tally = uvloop.run(
        load(
            host,
            int(port),
            given.clients,
            given.seconds,
            lambda number: (
                reads(given.read, run, number, given.titles, ids)
                if given.read
                else orders(run, number, Basket(given.titles, given.lines))
            ),
            warm=given.warm,
            pause=given.pause,
        )
    )
    cpu = (time.process_time() - begun) * given.seconds / (given.seconds + given.warm)
    found = report(tally, given.seconds, cpu, 200 if given.read else 201)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
