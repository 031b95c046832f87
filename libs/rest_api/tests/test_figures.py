"""Business figures count what was really stored and priced, on the hot path as on the ordinary one."""

import json
import socket
from typing import Any

import httpx
import pytest
from prometheus_client.exposition import choose_encoder
from rest_api import errors, figures
from rest_api.ports import Placed

from .conftest import Fakes
from .test_fast_path import BASKET, DEGRADED, ORDER, QUOTE, WANTED, both_ways


def sample(name: str, **labels: str) -> float:
    return figures._registry.get_sample_value(name, labels) or 0.0


async def place(client: httpx.AsyncClient, fakes: Fakes, outcome: Any) -> None:
    fakes.answer = outcome
    await both_ways(client, "/api/orders", json.dumps(WANTED).encode(), {"idempotency-key": "k"})


async def test_an_order_counts_once_with_its_value(client: httpx.AsyncClient, fakes: Fakes) -> None:
    orders, value = (
        sample("figtree_orders_total", currency="EUR"),
        sample("figtree_order_value_total", currency="EUR"),
    )
    await place(client, fakes, Placed(ORDER))
    assert sample("figtree_orders_total", currency="EUR") == orders + 2
    assert sample("figtree_order_value_total", currency="EUR") == value + 600


async def test_an_order_that_was_stored_before_is_no_new_one(client: httpx.AsyncClient, fakes: Fakes) -> None:
    orders, replayed = sample("figtree_orders_total", currency="EUR"), sample("figtree_orders_replayed_total")
    await place(client, fakes, Placed(ORDER, replayed=True))
    assert sample("figtree_orders_total", currency="EUR") == orders
    assert sample("figtree_orders_replayed_total") == replayed + 2


@pytest.mark.parametrize(
    "error", [errors.Refused("no"), errors.Unavailable("come again"), errors.NotTheWriter()]
)
async def test_a_problem_counts_by_its_reason(
    client: httpx.AsyncClient, fakes: Fakes, error: Exception
) -> None:
    reason = getattr(error, "reason", "unavailable")
    before = sample("figtree_problems_total", reason=reason)
    await place(client, fakes, error)
    assert sample("figtree_problems_total", reason=reason) == before + 2


async def test_a_quote_counts(client: httpx.AsyncClient, fakes: Fakes) -> None:
    before, fakes.answer = sample("figtree_quotes_total", currency="JPY"), QUOTE
    await both_ways(client, "/api/quotes", json.dumps(BASKET).encode(), {})
    assert sample("figtree_quotes_total", currency="JPY") == before + 2


async def test_what_is_priced_without_the_catalogue_counts_by_its_kind(
    client: httpx.AsyncClient, fakes: Fakes
) -> None:
    quotes = sample("figtree_degraded_total", kind="quote")
    orders = sample("figtree_degraded_total", kind="order")
    for outcome in (Placed(ORDER), Placed(ORDER, degraded=DEGRADED)):
        await place(client, fakes, outcome)
    for fakes.answer in (QUOTE, QUOTE.model_copy(update={"titles_as_of": DEGRADED.titles_as_of})):
        await both_ways(client, "/api/quotes", json.dumps(BASKET).encode(), {})
    assert sample("figtree_degraded_total", kind="quote") == quotes + 2
    assert sample("figtree_degraded_total", kind="order") == orders + 2


def requests(method: str, route: str) -> float:
    labels = {"http_request_method": method, "http_route": route}
    return sample("http_server_request_duration_seconds_count", **labels)


async def test_a_request_counts_by_its_route_and_one_to_nowhere_without_its_path_or_method(
    client: httpx.AsyncClient, fakes: Fakes
) -> None:
    before = requests("POST", "/api/quotes"), requests("GET", "/api/orders/{order_id}"), requests("", "")
    fakes.answer = QUOTE
    await both_ways(client, "/api/quotes", json.dumps(BASKET).encode(), {})
    await client.get("/api/orders/o-1")
    await client.request("PROPFIND", "/nowhere/7")
    after = requests("POST", "/api/quotes"), requests("GET", "/api/orders/{order_id}"), requests("", "")
    assert tuple(b - a for a, b in zip(before, after, strict=True)) == (2, 1, 1)


def test_the_duration_of_a_traced_request_names_its_trace() -> None:
    figures.took("GET", "/api/traced", 0.2, "0af7651916cd43dd8448eb211c80319c")
    figures.took("GET", "/api/traced", 0.3, "")
    openmetrics, _ = choose_encoder("application/openmetrics-text")
    buckets = [
        line
        for line in openmetrics(figures._registry).decode().splitlines()
        if "_bucket" in line and "/api/traced" in line
    ]
    assert [line.split(" # ")[1].split(" 0.2 ")[0] for line in buckets if " # " in line] == [
        '{trace_id="0af7651916cd43dd8448eb211c80319c"}'
    ]


def test_the_figures_have_a_port_of_their_own_and_no_path_at_the_edge() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = figures.serve(f"127.0.0.1:{port}")
    assert server is not None
    try:
        assert "figtree_quotes_total" in httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    finally:
        server()
    assert figures.serve("") is None


async def test_the_edge_does_not_tell_its_users(client: httpx.AsyncClient) -> None:
    assert (await client.get("/metrics")).status_code == 404
