"""What a call costs before it does anything: the health check of a service, directly and through a pair of sidecars."""

import argparse
import asyncio
import json
import sys
import time
from typing import Any

import uvloop
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.client import percentile


async def measure(target: str, authority: str, clients: int, seconds: float) -> dict[str, Any]:
    """`clients` calls at a time over one connection."""
    options: list[tuple[str, object]] = [("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0)]
    if authority:
        options.append(("grpc.default_authority", authority))
    times: list[float] = []
    async with aio.insecure_channel(target, options) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest()
        await stub.Check(request, timeout=5)
        until = time.perf_counter() + seconds

        async def one() -> None:
            while (begun := time.perf_counter()) < until:
                await stub.Check(request, timeout=5)
                times.append(time.perf_counter() - begun)

        await asyncio.gather(*(one() for _ in range(clients)))
    times.sort()
    return {
        "calls": len(times),
        "rate": round(len(times) / seconds, 1),
        **{f"p{p}": round(1000 * percentile(times, p), 3) for p in (50, 99)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.echo", description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--authority", default="")
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5)
    given = parser.parse_args()
    found = uvloop.run(measure(given.target, given.authority, given.clients, given.seconds))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
