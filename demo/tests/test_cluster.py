"""What the runtime of a cluster makes of the cluster's answers."""

from unittest.mock import AsyncMock, MagicMock

import httpx
import pytest
from runtime.api import RuntimeFailure
from runtime.cluster import edge

SERVICE = {
    "spec": {"ports": [{"name": "http2", "port": 80, "nodePort": 30080}]},
    "status": {"loadBalancer": {}},
}
NODES = [{"status": {"addresses": [{"type": "InternalIP", "address": "172.18.0.4"}]}}]
LOOPBACK, NODE = "http://127.0.0.1:30080", "http://172.18.0.4:30080"


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
    loopback: int | httpx.HTTPError, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host != "127.0.0.1":
            return httpx.Response(200)
        if isinstance(loopback, httpx.HTTPError):
            raise loopback
        return httpx.Response(loopback)

    monkeypatch.delenv("EDGE", raising=False)
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    monkeypatch.setattr("runtime.cluster.edge.httpx.AsyncClient", lambda **_: client)
    api = MagicMock(find=AsyncMock(return_value=SERVICE), list=AsyncMock(return_value=NODES))
    assert await edge.find(api) == found


async def test_an_edge_that_nobody_answers_at_is_named_with_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    monkeypatch.delenv("EDGE", raising=False)
    client = httpx.AsyncClient(transport=httpx.MockTransport(refuse))
    monkeypatch.setattr("runtime.cluster.edge.httpx.AsyncClient", lambda **_: client)
    api = MagicMock(find=AsyncMock(return_value=SERVICE), list=AsyncMock(return_value=NODES))
    with pytest.raises(RuntimeFailure, match=r"127.0.0.1:30080, 172.18.0.4:30080; say where with EDGE="):
        await edge.find(api)
