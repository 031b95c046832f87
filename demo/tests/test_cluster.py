"""What the runtime of a cluster makes of the cluster's answers."""

import json
from collections.abc import Awaitable, Callable
from unittest.mock import AsyncMock, MagicMock

import httpx
import pytest
from runtime.api import RuntimeFailure
from runtime.cluster import edge
from runtime.envoy_admin import Admin

SERVICE = {
    "spec": {"ports": [{"name": "http2", "port": 80, "nodePort": 30080}]},
    "status": {"loadBalancer": {}},
}
NODES = [{"status": {"addresses": [{"type": "InternalIP", "address": "172.18.0.4"}]}}]
Handler = Callable[[httpx.Request], httpx.Response]
LOOPBACK, NODE = "http://127.0.0.1:30080", "http://172.18.0.4:30080"


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Callable[[Handler], Awaitable[str]]:
    """Finds the edge of a cluster whose addresses answer as the handler says."""

    def found(handler: Handler) -> Awaitable[str]:
        monkeypatch.delenv("EDGE", raising=False)
        client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
        monkeypatch.setattr("runtime.cluster.edge.httpx.AsyncClient", lambda **_: client)
        return edge.find(MagicMock(find=AsyncMock(return_value=SERVICE), list=AsyncMock(return_value=NODES)))

    return found


@pytest.mark.parametrize(
    ("loopback", "found"),
    [
        (404, LOOPBACK),  # nothing is deployed yet
        (403, NODE),  # a filter on the way
        (httpx.ConnectError("refused"), NODE),
        (httpx.ReadTimeout("slow"), LOOPBACK),
    ],
    ids=["it answers", "a filter forbids it", "nobody listens", "it is slow"],
)
async def test_the_edge_is_where_the_gateway_answers_and_not_a_filter(
    loopback: int | httpx.HTTPError, found: str, find: Callable[[Handler], Awaitable[str]]
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host != "127.0.0.1":
            return httpx.Response(200)
        if isinstance(loopback, httpx.HTTPError):
            raise loopback
        return httpx.Response(loopback)

    assert await find(answer) == found


async def test_an_edge_that_nobody_answers_at_is_named_with_what_to_set(
    find: Callable[[Handler], Awaitable[str]],
) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(RuntimeFailure, match=r"127.0.0.1:30080, 172.18.0.4:30080; say where with EDGE="):
        await find(refuse)


def _host(zone: str, sent: int) -> dict[str, object]:
    """As Envoy lists one: a figure that is zero has no value."""
    counter = {"name": "rq_total"} | ({"value": str(sent)} if sent else {})
    return {"locality": {"region": "local", "zone": zone}, "stats": [{"name": "rq_error"}, counter]}


async def test_a_proxys_requests_are_added_up_by_the_zones_of_one_clusters_hosts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clusters = [
        {"name": "title", "host_statuses": [_host("a", 7)]},
        {"name": "currency", "host_statuses": [_host("a", 3), _host("a", 4), _host("b", 0)]},
        {"name": "empty"},
    ]
    answer = AsyncMock(return_value=json.dumps({"cluster_statuses": clusters}))
    monkeypatch.setattr(Admin, "_request", answer)
    admin = Admin("127.0.0.1:15000")
    assert await admin.requests_by_zone("currency") == {"a": 7.0, "b": 0.0}
    assert await admin.requests_by_zone("empty") == {}
