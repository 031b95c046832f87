"""Traces of the real system on the real mesh, in the first shape, a mixed one and the last."""

import asyncio
import json
import os
from dataclasses import dataclass

import pytest
from demo.runtimes.local import LocalRuntime
from demo.runtimes.runtime import Part, Runtime
from demo.strangler.modules import SHAPES
from demo.strangler.steps import Strangler
from demo.telemetry.spans import ORDER_ID, Span, edges_of

from tests.support.edges import CALLS
from tests.support.visitor import CUSTOMER, visit

pytestmark = pytest.mark.timeout(600)
PARTS: tuple[Part, ...] = ("app", "proxy")
VISITS = 4  # titles and rates are cached for a second: not every visit sees every edge


@dataclass(frozen=True)
class Seen:
    edges: set[tuple[str, str]]
    logs: list[str]  # of all processes and proxies
    spans: list[Span]
    order: list[Span]  # the trace in which the last order was placed
    order_id: str


async def fulfilled(runtime: Runtime, trace_id: str) -> list[Span]:
    for _ in range(40):
        spans = await runtime.trace(trace_id)
        if any(span.name.startswith(("orders.accepted process", "orders.shipped")) for span in spans):
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(1.5)  # what was recorded last is sent within so many seconds
    return await runtime.trace(trace_id)


async def look(runtime: Runtime, shape: str) -> Seen:
    edges: set[tuple[str, str]] = set()
    for number in range(VISITS):
        if number:
            await asyncio.sleep(1.2)
        last = await visit(runtime.edge(), customers=("gateway", "customer") in CALLS[shape])
    spans = await fulfilled(runtime, last.trace_id)
    begun = min(span.start for span in spans) - VISITS * 1.2 - 5
    for trace in await runtime.traces(limit=200):
        if trace[0].start > begun:
            edges |= edges_of(trace)
    names = {workload.name for workload in await runtime.workloads()}
    logs = [
        line
        for name in (*names, "ingress")
        for part in PARTS
        for line in await runtime.logs(name, part, 1000)
    ]
    everything = [span for trace in await runtime.traces(limit=200) for span in trace]
    return Seen(edges, logs, everything, spans, last.order_id)


@pytest.fixture(scope="module")
def seen() -> dict[str, Seen]:
    async def travel() -> dict[str, Seen]:
        runtime = await LocalRuntime.up(f"traces-{os.getpid()}")
        try:
            strangler = Strangler(runtime, dwell=0.2)
            await strangler.begin()
            found = {SHAPES[0]: await look(runtime, SHAPES[0])}
            for shape in SHAPES[1:]:
                await strangler.forward()
                if shape in CALLS:
                    found[shape] = await look(runtime, shape)
            return found
        finally:
            await runtime.down()

    return asyncio.run(travel())


@pytest.mark.parametrize("shape", CALLS)
def test_traces_show_who_calls_whom_and_nothing_else(seen: dict[str, Seen], shape: str) -> None:
    assert seen[shape].edges == CALLS[shape]


@pytest.mark.parametrize("shape", CALLS)
def test_one_unbroken_trace_leads_from_the_users_request_to_the_fulfilled_order(
    seen: dict[str, Seen], shape: str
) -> None:
    spans = seen[shape].order
    known = {span.span_id for span in spans}
    assert [span.name for span in spans if span.parent_id not in known] == [spans[0].name]
    assert spans[0].service == "istio-ingressgateway"
    assert seen[shape].order_id in {span.attributes.get(ORDER_ID) for span in spans}
    consumed = {span.name for span in spans if span.kind == "consumer"}
    assert consumed >= {"orders.placed process", "orders.accepted process"}
    assert [span for span in spans if span.kind == "client" and span.name.startswith("insert orders")]
    assert not [span for span in spans if span.status == "error"]


@pytest.mark.parametrize("shape", CALLS)
def test_no_log_and_no_span_names_a_customer_or_tells_a_secret(seen: dict[str, Seen], shape: str) -> None:
    told = [*seen[shape].logs, *map(str, seen[shape].spans)]
    assert len(told) > 100
    secret = [CUSTOMER, "Bearer ", "postgresql://", "password", "PRIVATE KEY", "visit-"]
    assert [line for line in told if any(word in line for word in secret)] == []


@pytest.mark.parametrize("shape", CALLS)
def test_every_line_of_a_service_is_json_with_the_same_names(seen: dict[str, Seen], shape: str) -> None:
    texts = [line for line in seen[shape].logs if line.startswith("{")]
    lines = [
        json.loads(text) for text in texts if '"answer_to"' not in text
    ]  # a mirror's answers have a form of their own
    expected = {"monolith"} if shape == SHAPES[0] else {"gateway", "pricing"}
    assert {line["service"] for line in lines} >= expected
    for line in lines:
        assert {"time", "level", "service", "version", "message"} <= line.keys(), line


def test_an_event_is_published_and_consumed_in_the_orders_trace(seen: dict[str, Seen]) -> None:
    spans = {span.span_id: span for span in seen["5-no-monolith"].order}
    links = [
        (span.name, spans[span.parent_id].name)
        for span in spans.values()
        if span.kind in ("producer", "consumer")
    ]
    assert ("orders.placed process", "orders.placed publish") in links
    assert ("orders.accepted publish", "orders.placed process") in links
    assert ("orders.shipped publish", "orders.accepted process") in links
