"""The stand-in of a Kubernetes API server: what a controller finds when it lists and watches."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from localmesh.fake_apiserver import FakeApiServer, serves
from runtime.serving import serving

ROUTES = "/apis/gateway.networking.k8s.io/v1/httproutes"


def route(name: str, namespace: str = "figtree") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {},
    }


@pytest.fixture
def server() -> FakeApiServer:
    return FakeApiServer(("istio-system", "figtree"))


@pytest.fixture
async def client(server: FakeApiServer) -> AsyncIterator[httpx.AsyncClient]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        serving(server.application({}, {}), listener),
        httpx.AsyncClient(base_url=url, timeout=5, trust_env=False) as client,
    ):
        yield client


@asynccontextmanager
async def watch(client: httpx.AsyncClient, **query: str) -> AsyncIterator[AsyncIterator[tuple[str, str]]]:
    """Type of each event, and the name of its object."""
    async with client.stream("GET", ROUTES, params={"watch": "true"} | query) as stream:

        async def events() -> AsyncIterator[tuple[str, str]]:
            async for line in stream.aiter_lines():
                event = json.loads(line)
                yield event["type"], event["object"]["metadata"].get("name", "")

        yield events()


async def test_a_list_has_what_was_put_and_not_what_was_discarded(
    server: FakeApiServer, client: httpx.AsyncClient
) -> None:
    server.put(route("a"))
    server.put(route("b"))
    server.put(route("a", "istio-system"))
    server.discard("HTTPRoute/figtree/b")
    listed = (await client.get(ROUTES)).json()
    assert listed["kind"] == "HTTPRouteList"
    assert [item["metadata"]["namespace"] for item in listed["items"]] == ["figtree", "istio-system"]
    one = (await client.get("/apis/gateway.networking.k8s.io/v1/namespaces/figtree/httproutes")).json()
    assert [item["metadata"]["name"] for item in one["items"]] == ["a"]


async def test_a_watch_misses_nothing_that_happened_after_the_list(
    server: FakeApiServer, client: httpx.AsyncClient
) -> None:
    server.put(route("a"))
    version = (await client.get(ROUTES)).json()["metadata"]["resourceVersion"]
    server.put(route("a"))
    server.discard("HTTPRoute/figtree/a")
    async with asyncio.timeout(5), watch(client, resourceVersion=version) as events:
        assert await anext(events) == ("MODIFIED", "a")
        assert await anext(events) == ("DELETED", "a")
        server.put(route("b"))
        assert await anext(events) == ("ADDED", "b")


async def test_a_watch_that_asks_for_it_begins_with_what_is_there(
    server: FakeApiServer, client: httpx.AsyncClient
) -> None:
    server.put(route("a"))
    async with asyncio.timeout(5), watch(client, sendInitialEvents="true") as events:
        assert await anext(events) == ("ADDED", "a")
        assert (await anext(events))[0] == "BOOKMARK"
        server.put(route("a"))
        assert await anext(events) == ("MODIFIED", "a")


async def test_the_definitions_that_it_has_are_those_of_the_routes(client: httpx.AsyncClient) -> None:
    found = await client.get(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        headers={"accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"},
    )
    names = {item["metadata"]["name"].partition(".")[0] for item in found.json()["items"]}
    assert names == {"gateways", "grpcroutes", "httproutes"}


def test_a_gateway_of_istio_is_no_gateway_of_the_gateway_api() -> None:
    assert serves({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway"})
    assert serves({"apiVersion": "v1", "kind": "Service"})
    assert not serves({"apiVersion": "networking.istio.io/v1", "kind": "Gateway"})
    assert not serves({"apiVersion": "v1", "kind": "ConfigMap"})
