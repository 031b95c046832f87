"""A real run that a real Prometheus has watched: the journey with somebody about, and scenes after it."""

import asyncio
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from demo.runtimes.local import LocalRuntime
from demo.scenes.catalogue import BY_NAME
from demo.scenes.engine import run as act_out
from demo.strangler.modules import SHAPES
from demo.strangler.steps import Strangler
from demo.telemetry.kiali import GraphEdge, graph
from demo.telemetry.prometheus import Prometheus, running

from tests.support.dashboards import points, queries
from tests.support.edges import CALLS
from tests.support.visitor import somebody_about

SCENES = (
    "mirror-v2-rounding", "canary-weight", "circuit-breaker", "outlier-detection", "timeout", "retries", "chaos-abort",
    "chaos-delay", "fallacy-bandwidth",
)  # fmt: skip
EVERY = 2.0  # seconds between two scrapes


@dataclass
class Watched:
    """What the Prometheus said."""

    points: dict[str, int] = field(default_factory=dict)  # of each panel's query over the whole run
    graphs: dict[str, set[GraphEdge]] = field(default_factory=dict)  # Kiali's, by shape
    seen_by_runtime: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    failed_scenes: list[str] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    same: float = 0.0  # samples left out since another series had their labels


async def left_out(prometheus: Prometheus) -> float:
    counter = "prometheus_target_scrapes_sample_duplicate_timestamp_total "
    async with httpx.AsyncClient(base_url=prometheus.url, trust_env=False) as client:
        own = (await client.get("/metrics")).raise_for_status().text
    return float(next(line for line in own.splitlines() if line.startswith(counter)).split()[1])


async def look(watched: Watched, runtime: LocalRuntime, prometheus: Prometheus, shape: str) -> None:
    await asyncio.sleep(14)  # rates need some scrapes of this shape alone
    watched.graphs[shape] = await graph(prometheus, seconds=10)
    watched.seen_by_runtime[shape] = {(edge.source, edge.destination) for edge in await runtime.edges()}


async def watch(folder: Path) -> Watched:
    watched, begun = Watched(), time.time()
    runtime = await LocalRuntime.up(f"watched-{os.getpid()}")
    try:
        strangler = Strangler(runtime, dwell=1.0)
        await strangler.begin()
        async with running(await runtime.telemetry(), folder, every=EVERY) as prometheus:
            async with somebody_about(runtime):
                await look(watched, runtime, prometheus, SHAPES[0])
                for shape in SHAPES[1:]:
                    await strangler.forward()
                    if shape in CALLS:
                        await look(watched, runtime, prometheus, shape)
            for name in SCENES:
                result = await act_out(runtime, BY_NAME[name])
                if not result.passed:
                    watched.failed_scenes.append(f"{name}: {result.why}")
            await asyncio.sleep(3)
            for _, _, query in queries():
                watched.points[query] = await points(prometheus, query, begun, EVERY)
            watched.same = await left_out(prometheus)
            for target in await prometheus.query("up == 0"):
                watched.down.add(target["metric"]["instance"])
    finally:
        await runtime.down()
    return watched


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return asyncio.run(watch(tmp_path_factory.mktemp("prometheus")))
