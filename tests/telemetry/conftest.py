"""A real run that a real Prometheus has watched: the journey with somebody about, and scenes after it."""

import asyncio
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from localmesh import LocalRuntime
from localmesh.cache import cache_folder
from strangler.modules import SHAPES
from strangler.steps import Strangler
from telemetry.kiali import GraphEdge, graph
from telemetry.prometheus import Prometheus, running

from tests.support.acting import failures
from tests.support.dashboards import points, queries
from tests.support.edges import CALLS
from tests.support.visitor import somebody_about

SCENES = (
    "mirror-v2-rounding",
    "canary-weight",
    "circuit-breaker",
    "outlier-detection",
    "timeout",
    "retries",
    "chaos-abort",
    "chaos-delay",
    "fallacy-bandwidth",
)
EVERY = 2.0  # seconds between two scrapes
DURATIONS = "http_server_request_duration_seconds_bucket"
# Of series with the same labels Prometheus keeps one, and says nothing.
SAME = (
    'scrape_samples_post_metric_relabeling{job="envoy-stats"}'
    ' != on (instance) count by (instance) ({job="envoy-stats", __name__!~"up|scrape_.*"})'
)


@dataclass
class Watched:
    """What the Prometheus said."""

    points: dict[str, int] = field(default_factory=dict)  # of each panel's query over the whole run
    graphs: dict[str, set[GraphEdge]] = field(default_factory=dict)  # Kiali's, by shape
    seen_by_runtime: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    failed_scenes: list[str] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    exemplars: set[str] = field(default_factory=set)  # the traces that they lead to
    traced: set[str] = field(default_factory=set)  # the traces that the runtime has
    same: list[str] = field(default_factory=list)  # proxies of which two series have had the same labels


async def look(watched: Watched, runtime: LocalRuntime, prometheus: Prometheus, shape: str) -> None:
    await asyncio.sleep(14)  # rates need some scrapes of this shape alone
    watched.graphs[shape] = set(await graph(prometheus, seconds=10))
    watched.seen_by_runtime[shape] = {
        (edge.source, edge.destination) for edge in await runtime.telemetry.edges()
    }


async def watch(folder: Path) -> Watched:
    watched, begun = Watched(), time.time()
    runtime = await LocalRuntime.up(f"watched-{os.getpid()}")
    try:
        strangler = Strangler(runtime, dwell=1.0)
        await strangler.begin()
        async with running(
            await runtime.supervisor.collector(), folder, cache_folder(), every=EVERY
        ) as prometheus:
            async with somebody_about(runtime):
                await look(watched, runtime, prometheus, SHAPES[0])
                # The last spans are on their way.
                watched.exemplars = await prometheus.traces(DURATIONS, begun, time.time() - 3)
                watched.traced = {
                    spans[0].trace_id for spans in await runtime.telemetry.traces(limit=1000) if spans
                }
                for shape in SHAPES[1:]:
                    await strangler.forward()
                    if shape in CALLS:
                        await look(watched, runtime, prometheus, shape)
            watched.failed_scenes = await failures(runtime, SCENES)
            await asyncio.sleep(3)
            for _, _, query in queries():
                watched.points[query] = await points(prometheus, query, begun, EVERY)
            watched.same = [str(found) for found in await prometheus.query(SAME)]
            for target in await prometheus.query("up == 0"):
                watched.down.add(target["metric"]["instance"])
    finally:
        await runtime.down()
    return watched


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return asyncio.run(watch(tmp_path_factory.mktemp("prometheus")))
