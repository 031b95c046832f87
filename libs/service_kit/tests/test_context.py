"""What a call brings along is handed on, and no more."""

import ast
import asyncio
from typing import Any

import pytest
from service_kit import context

SEEN = "/example.Example/Seen"
CONVENTIONS = context.Conventions(
    "x-example-user", ("x-example-version", "x-example-user"), "example", "reader"
)


async def test_deadline_and_headers_of_a_call_travel_on(channel: Any) -> None:
    def inbound() -> None:
        headers = [("traceparent", "00-a-b-01"), ("x-request-id", "r-1"), ("authorization", "no")]
        context.enter(CONVENTIONS.propagated(headers), 2.0)

    async def call() -> bytes:
        inbound()
        answer: bytes = await channel.unary_unary(SEEN)(b"", timeout=30)
        return answer

    left, headers = ast.literal_eval((await asyncio.create_task(call())).decode())
    assert 1.5 < left <= 2.0
    assert headers == {"traceparent": "00-a-b-01", "x-request-id": "r-1"}


async def test_a_call_without_a_deadline_gets_the_channels(channel: Any) -> None:
    left, headers = ast.literal_eval((await channel.unary_unary(SEEN)(b"")).decode())
    assert (4.5 < left <= 5.0, headers) == (True, {})


async def test_a_deadline_that_has_passed_leaves_nothing() -> None:
    async def late() -> float:
        context.enter({}, -1.0)
        return context.time_left(5.0)

    assert await asyncio.create_task(late()) == 0.0
    assert context.time_left(5.0) == 5.0


@pytest.mark.parametrize("name", sorted(CONVENTIONS.handed_on))
def test_a_header_is_handed_on_up_to_the_limit_of_w3c_baggage(name: str) -> None:
    assert CONVENTIONS.propagated([(name, "k=" + "a" * (context.MAX_HEADER - 2))])
    kept = CONVENTIONS.propagated([(name, "k=" + "a" * context.MAX_HEADER)])
    assert (name in kept) == (name == CONVENTIONS.user_header), "a verified user is never forgotten"
