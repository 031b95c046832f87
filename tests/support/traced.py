"""What a few visits leave behind: traces and logs."""

import asyncio
from dataclasses import dataclass

from runtime.api import Part, Runtime
from telemetry.spans import ORDER_ID, Span, edges_of

from tests.support.edges import CALLS, EDGE
from tests.support.visitor import CUSTOMER, visit

PARTS: tuple[Part, ...] = ("app", "proxy")
SECRET = (CUSTOMER, "Bearer ", "postgresql://", "password", "PRIVATE KEY", "visit-")
VISITS = 4  # titles and rates are cached for a second: not every visit sees every edge


@dataclass(frozen=True)
class Seen:
    edges: set[tuple[str, str]]
    logs: list[str]  # of all processes and proxies
    spans: list[Span]
    order: list[Span]  # the trace in which the last order was placed
    order_id: str


async def fulfilled(runtime: Runtime, trace_id: str) -> list[Span]:
    for _ in range(100):  # a sidecar may keep its spans for five seconds
        spans = await runtime.telemetry.trace(trace_id)
        is_over = any(s.name.startswith(("orders.accepted process", "orders.shipped")) for s in spans)
        if is_over and spans[0].service == EDGE and _roots(spans) == [spans[0]]:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(1.5)  # what was recorded last is sent within so many seconds
    return await runtime.telemetry.trace(trace_id)


def _roots(spans: list[Span]) -> list[Span]:
    known = {span.span_id for span in spans}
    return [span for span in spans if span.parent_id not in known]


async def look(runtime: Runtime, shape: str) -> Seen:
    edges: set[tuple[str, str]] = set()
    for number in range(VISITS):
        if number:
            await asyncio.sleep(1.2)
        last = await visit(runtime.edge(), customers=("gateway", "customer") in CALLS[shape])
    spans = await fulfilled(runtime, last.trace_id)
    begun = min(span.start for span in spans) - VISITS * 1.2 - 5
    for trace in await runtime.telemetry.traces(limit=200):
        if trace[0].start > begun:
            edges |= edges_of(trace)
    names = {workload.name for workload in await runtime.workloads.statuses()}
    logs = [
        line
        for name in (*names, "ingress")
        for part in PARTS
        for line in await runtime.telemetry.logs(name, part, 1000)
    ]
    everything = [span for trace in await runtime.telemetry.traces(limit=200) for span in trace]
    return Seen(edges, logs, everything, spans, last.order_id)


def assert_unbroken(seen: Seen) -> None:
    """One trace leads from the user's request to the fulfilled order."""
    spans = seen.order
    assert [span.name for span in _roots(spans)] == [spans[0].name]
    assert spans[0].service == "istio-ingressgateway"
    assert seen.order_id in {span.attributes.get(ORDER_ID) for span in spans}
    consumed = {span.name for span in spans if span.kind == "consumer"}
    assert consumed >= {"orders.placed process", "orders.accepted process"}
    assert [span for span in spans if span.kind == "client" and span.name.startswith("insert orders")]
    assert not [span for span in spans if span.status == "error"]
