"""The cluster of the current kubectl context in its final shape, and what its own add-ons have seen of it."""

import asyncio
import time
from dataclasses import dataclass, field

import httpx
import pytest
from runtime.cluster import ClusterRuntime
from runtime.cluster.kubectl import current_context
from runtime.manifests import NAMESPACE
from strangler.modules import SHAPES
from strangler.steps import Strangler
from telemetry.kiali import GraphEdge, graph
from telemetry.prometheus import Prometheus

from tests.support.acting import failures
from tests.support.dashboards import points, queries
from tests.support.traced import Seen, look
from tests.support.visitor import somebody_about

SCENES = (
    "mirror-v2-rounding",
    "circuit-breaker",
    "outlier-detection",
    "retries",
    "chaos-abort",
    "chaos-delay",
    "fallacy-bandwidth",
)
BEFORE = SHAPES.index("3-pricing")  # what has come further goes back so far: steps have to be seen
EVERY = 15.0  # seconds between two scrapes, as Istio's add-on has it
SHOWN_AFTER = 150.0  # rules are evaluated once a minute, and a rate of one minute needs two scrapes


@dataclass
class Watched:
    traced: Seen
    graph: set[GraphEdge]  # Kiali's
    lines: list[str]  # of the order's trace, in Loki
    points: dict[str, int] = field(default_factory=dict)  # of each panel's query
    failed_scenes: list[str] = field(default_factory=list)


async def lines_of(trace_id: str, loki: str) -> list[str]:
    """As a click in Grafana asks for them."""
    await asyncio.sleep(5)  # a line is read, sent and kept within so many seconds
    parameters = {"query": f'{{k8s_namespace_name="figtree"}} |= "{trace_id}"'}
    async with httpx.AsyncClient(base_url=loki, trust_env=False) as client:
        answer = (await client.get("/loki/api/v1/query_range", params=parameters)).raise_for_status().json()
    return [line for stream in answer["data"]["result"] for _, line in stream["values"]]


async def watched_once() -> Watched:
    runtime = await ClusterRuntime.connect(current_context())
    try:
        return await watch(runtime)
    finally:
        await runtime.close()


async def watch(runtime: ClusterRuntime) -> Watched:
    begun = time.time()
    strangler = Strangler(runtime, dwell=1.0)
    await strangler.begin()
    prometheus = Prometheus(await runtime.telemetry.url("prometheus"))
    async with somebody_about(runtime):
        while (await strangler.state.position())[0] > BEFORE:
            await strangler.back()
        for _ in SHAPES[(await strangler.state.position())[0] + 1 :]:
            await strangler.forward()
        await asyncio.sleep(SHOWN_AFTER)
        traced = await look(runtime, SHAPES[-1])
        edges = set(await graph(prometheus, 60, NAMESPACE))  # traces go to another one
        watched = Watched(
            traced, edges, await lines_of(traced.order[0].trace_id, await runtime.telemetry.url("loki"))
        )
    watched.failed_scenes = await failures(runtime, SCENES)
    async with somebody_about(runtime):
        await asyncio.sleep(SHOWN_AFTER)
    for _, _, query in queries():
        watched.points[query] = await points(prometheus, query, begun, EVERY)
    return watched


@pytest.fixture(scope="session")
def watched() -> Watched:
    return asyncio.run(watched_once())
