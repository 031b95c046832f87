"""`python -m benchmarks.library.client`: calls, with what libraries do for them; prints figures as JSON."""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop
from circuitbreaker import CircuitBreakerError
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.client import percentile
from benchmarks.library import balancing, breaker, discovery, mtls, retries, tracing

TASKS = ("balancing", "retries", "breaker", "tracing", "mtls")


def opened(given: argparse.Namespace) -> aio.Channel:
    """A channel with what the chosen libraries add."""
    tasks: Sequence[str] = given.task
    options: list[tuple[str, object]] = [("grpc.enable_http_proxy", 0)]
    config: dict[str, object] = {}
    interceptors: list[aio.ClientInterceptor] = []
    options.append(retries.ENABLED if "retries" in tasks else ("grpc.enable_retries", 0))
    for policy in (
        module.POLICY for module in (balancing, retries) if module.__name__.split(".")[-1] in tasks
    ):
        config |= policy
    if config:
        options.append(("grpc.service_config", json.dumps(config)))
    if "breaker" in tasks:
        interceptors.append(breaker.Breaker())
    if "tracing" in tasks:
        interceptors.extend(tracing.interceptors("library", given.collector))
    if given.authority:
        options.append(("grpc.default_authority", given.authority))
    target = discovery.target(given.targets)
    if "mtls" not in tasks:
        return aio.insecure_channel(target, options, interceptors=interceptors)
    return aio.secure_channel(
        target, mtls.of_client(given.certificates), [*options, mtls.NAME], interceptors=interceptors
    )


async def measure(given: argparse.Namespace) -> dict[str, Any]:
    """So many seconds of calls, a few at a time."""
    times: list[float] = []
    ended: Counter[str] = Counter()
    served: Counter[str] = Counter()
    async with opened(given) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest()

        async def one(until: float) -> None:
            while (begun := time.perf_counter()) < until:
                call = stub.Check(request, timeout=5)
                try:
                    await call
                except (aio.AioRpcError, CircuitBreakerError) as error:
                    ended[error.code().name if isinstance(error, aio.AioRpcError) else "OPEN"] += 1
                    await asyncio.sleep(0.002)
                    continue
                times.append(time.perf_counter() - begun)
                ended["OK"] += 1
                if given.who:
                    served[dict(await call.initial_metadata()).get("x-served-by", "")] += 1

        await one(time.perf_counter() + 0.3)
        for counted in (times, ended, served):
            counted.clear()
        cpu = time.process_time()
        until = time.perf_counter() + given.seconds
        await asyncio.gather(*(one(until) for _ in range(given.clients)))
        cpu = time.process_time() - cpu
    times.sort()
    return {
        "calls": ended.total(),
        "failed": ended.total() - ended["OK"],
        "ended": dict(ended),
        "served": dict(served),
        "p50": round(1000 * percentile(times, 50), 3),
        "client_us": round(1e6 * cpu / max(1, ended.total()), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.library.client", description=__doc__)
    parser.add_argument("targets", help="HOST:PORT, or several with commas")
    parser.add_argument("--task", action="append", default=[], choices=TASKS)
    parser.add_argument("--authority", default="")
    parser.add_argument("--collector", default="")
    parser.add_argument("--certificates", type=Path)
    parser.add_argument("--who", action="store_true", help="count who has answered")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=3)
    found = uvloop.run(measure(parser.parse_args()))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
