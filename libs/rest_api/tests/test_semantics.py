"""HTTP and JSON as the standards have them: HEAD, queries that are text, members that stand once, streams kept open."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from rest_api.models import OrderEvent
from rest_api.routes import order

from tests.support.idle import balancer, served

from .conftest import Fakes

ORDER = UUID("01a22266-adf0-741a-a820-7548f1715ef8")
CUT = 0.9  # seconds of silence after which the balancer closes a connection; real ones allow 60 or more
EVENT = OrderEvent(order_id=ORDER, sequence=1, status="placed", at=datetime(2026, 11, 28, tzinfo=UTC))


async def test_head_is_get_without_the_content(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/openapi.json", "/api/none", "/api/titles?page_size=0"):
        get, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers.get("content-length") == get.headers.get("content-length")


async def test_head_of_a_stream_ends(client: httpx.AsyncClient, fakes: Fakes, watched: Any) -> None:
    async with asyncio.timeout(5):
        answer = await client.head(f"/api/orders/{ORDER}/events")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_head_does_not_make_another_method_of_a_path(client: httpx.AsyncClient) -> None:
    assert (await client.head("/api/quotes")).status_code == 405


@pytest.mark.parametrize("value", ["%00", "jane%00", "%FF%FE", "%C3", "%ED%A0%80"])
async def test_a_query_that_is_no_text_is_refused(
    client: httpx.AsyncClient, fakes: Fakes, value: str
) -> None:
    answer = await client.get(f"/api/titles?query={value}")
    assert answer.status_code == 400
    assert "query: must be UTF-8 text without NUL" in answer.text
    assert fakes.calls == []


@pytest.mark.parametrize("value", ["bront%C3%AB", "a+b", "%F0%9F%93%9A", "%25", "%2B"])
async def test_a_query_that_is_text_reaches_the_catalogue(
    client: httpx.AsyncClient, fakes: Fakes, value: str
) -> None:
    await client.get(f"/api/titles?query={value}")
    assert fakes.calls


LINES = b'"lines": [{"title_id": "t-1", "quantity": 1}]'
TWICE = [
    (
        "/api/orders",
        b'{"customer_id": "c-1", "currency": "EUR", ' + LINES + b', "customer_id": "c-2"}',
        "customer_id",
    ),
    (
        "/api/orders",
        b'{"customer_id": "c-1", "currency": "EUR", "lines": [{"title_id": "t-1", "quantity": 1, '
        b'"quantity": 100}]}',
        "quantity",
    ),
    ("/api/quotes", b'{"currency": "EUR", "currency": "USD", ' + LINES + b"}", "currency"),
    ("/api/orders/bulk", b'{"orders": [], "orders": []}', "orders"),
]


@pytest.mark.parametrize(("path", "body", "name"), TWICE)
async def test_a_member_that_stands_twice_is_refused(
    client: httpx.AsyncClient, fakes: Fakes, path: str, body: bytes, name: str
) -> None:
    headers = {"content-type": "application/json", "idempotency-key": "k"}
    answer = await client.post(path, content=body, headers=headers)
    assert answer.status_code == 400
    assert f"{name}: stands twice in one object" in answer.text
    assert fakes.calls == []


@pytest.fixture
def watched(fakes: Fakes, client: httpx.AsyncClient) -> asyncio.Event:
    """One event, and another when the test says so."""
    more = asyncio.Event()

    async def watch(*_: Any) -> AsyncIterator[OrderEvent]:
        yield EVENT
        await more.wait()
        yield EVENT.model_copy(update={"sequence": 2, "status": "shipped"})

    client.app.state.ports.orders.watch = watch  # type: ignore[attr-defined]
    return more


async def test_a_silent_stream_says_that_it_is_there_and_when_to_come_back(
    client: httpx.AsyncClient, watched: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "HEARTBEAT", 0.02)
    asyncio.get_running_loop().call_later(0.2, watched.set)
    async with asyncio.timeout(5):
        text = (await client.get(f"/api/orders/{ORDER}/events")).text
    events = text.split("\n\n")
    assert events[0].startswith("retry: 1000\nid: 1\nevent: status\ndata: ")
    assert set(events[1:-2]) == {": still here"}
    assert len(events) > 4
    assert events[-2].startswith("id: 2\n")


async def test_a_silent_stream_outlives_a_balancer_that_cuts_silent_connections(
    client: httpx.AsyncClient, watched: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "HEARTBEAT", CUT / 3)
    asyncio.get_running_loop().call_later(4 * CUT, watched.set)
    async with (
        served(client.app) as port,  # type: ignore[attr-defined]
        balancer(port, CUT) as way,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{way}", trust_env=False) as browser,
    ):
        text = (await browser.get(f"/api/orders/{ORDER}/events")).text
    assert "id: 2\n" in text
