"""Traces of the real system on the real mesh, in the first shape, a mixed one and the last."""

import asyncio
import json
import os

import pytest
from localmesh import LocalRuntime
from strangler.modules import SHAPES
from strangler.steps import Strangler

from tests.support.edges import CALLS
from tests.support.traced import SECRET, Seen, assert_unbroken, look
from tests.support.visitor import somebody_about

pytestmark = [pytest.mark.system, pytest.mark.alone, pytest.mark.timeout(600)]
PASSED = 6.0  # seconds after which `look` takes what was asked in the shape before for past


@pytest.fixture(scope="module")
def seen() -> dict[str, Seen]:
    async def travel() -> dict[str, Seen]:
        runtime = await LocalRuntime.up(f"traces-{os.getpid()}")
        try:
            strangler = Strangler(runtime, dwell=0.2)
            await strangler.begin()
            found = {SHAPES[0]: await look(runtime, SHAPES[0])}
            for shape in SHAPES[1:]:
                async with somebody_about(runtime):
                    await strangler.forward()
                if shape in CALLS:
                    await asyncio.sleep(PASSED)
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
    assert_unbroken(seen[shape])


@pytest.mark.parametrize("shape", CALLS)
def test_no_log_and_no_span_names_a_customer_or_tells_a_secret(seen: dict[str, Seen], shape: str) -> None:
    output = [*seen[shape].logs, *map(str, seen[shape].spans)]
    assert len(output) > 100
    assert [line for line in output if any(word in line for word in SECRET)] == []


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


@pytest.mark.parametrize("shape", CALLS)
def test_the_log_tells_in_the_orders_trace_how_far_it_has_come(seen: dict[str, Seen], shape: str) -> None:
    trace_id, order_id = seen[shape].order[0].trace_id, seen[shape].order_id
    lines = [json.loads(line) for line in seen[shape].logs if trace_id in line]
    logged = [line["message"] for line in lines if line["message"].startswith("order ")]
    assert [f"order {order_id} is {status}" for status in ("placed", "accepted")] == logged[:2]


@pytest.mark.parametrize("shape", CALLS)
def test_what_went_well_leaves_no_line_in_a_proxys_log(seen: dict[str, Seen], shape: str) -> None:
    lines = [json.loads(line) for line in seen[shape].logs if '"grpc_status"' in line]
    assert [line for line in lines if " 20" in line["message"] and not line["grpc_status"]] == []


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
