"""HTTP and gRPC, from request to request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import httpx
import pytest
from grpc import aio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from tracing.asgi import TraceRequests, unmeasured
from tracing.rpc import TracingInterceptor, _ending, calling, ending

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"00-{TRACE}-b7ad6b7169203331-01"
UNSAMPLED = SAMPLED[:-1] + "0"


async def _answer(request: Request) -> Response:
    if request.path_params["key"] == "broken":
        raise LookupError("secret")
    return PlainTextResponse(request.headers.get("traceparent", ""), 503, {"location": "/orders/o-1"})


async def get(path: str, traceparent: str, measure: Callable[..., None] = unmeasured) -> httpx.Response:
    routes = TraceRequests(
        Starlette(routes=[Route("/orders/{key}", _answer)]),
        lambda scope, headers: {
            "key": scope["path_params"]["key"],
            "location": headers[b"location"].decode(),
        },
        measure,
    )
    transport = httpx.ASGITransport(routes, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://edge") as client:
        return await client.get(path, headers={"traceparent": traceparent})


async def test_a_request_is_named_by_its_route_and_describes_itself(collector: Any) -> None:
    with collector.recording():
        answer = await get("/orders/o-1", SAMPLED)
    (span,) = collector.spans
    assert answer.text == f"00-{TRACE}-{span.span_id.hex()}-01"
    assert (span.name, span.status.code) == ("GET /orders/{key}", 2)
    attributes = {a.key: a.value.string_value or a.value.int_value for a in span.attributes}
    assert attributes == {
        "http.request.method": "GET",
        "http.response.status_code": 503,
        "http.route": "/orders/{key}",
        "key": "o-1",
        "location": "/orders/o-1",
    }


async def test_each_request_is_measured_and_a_traced_one_with_its_trace(collector: Any) -> None:
    measured: list[Any] = []
    with collector.recording():
        for path, traceparent in (("o-1", SAMPLED), ("o-1", UNSAMPLED), ("broken", SAMPLED)):
            await get(f"/orders/{path}", traceparent, lambda *what: measured.append(what))
    assert [(method, route, trace) for method, route, _, trace in measured] == [
        ("GET", "/orders/{key}", TRACE),
        ("GET", "/orders/{key}", ""),
        ("GET", "/orders/{key}", TRACE),
    ]
    assert all(0 < seconds < 10 for _, _, seconds, _ in measured)


async def test_an_unsampled_request_passes_as_it_came(collector: Any) -> None:
    with collector.recording(share=1.0):
        assert (await get("/orders/o-1", UNSAMPLED)).text == UNSAMPLED
    assert collector.spans == []


async def test_a_request_that_fails_ends_its_span(collector: Any) -> None:
    with collector.recording():
        assert (await get("/orders/broken", SAMPLED)).status_code == 500
    (span,) = collector.spans
    assert span.status.code == 2
    assert b"secret" not in span.SerializeToString()


class Seen(aio.ServerInterceptor):
    """Stands behind, as the one that enters the call's context does."""

    parent = ""

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        self.parent = dict(details.invocation_metadata)["traceparent"]
        return await continuation(details)


async def unary(request: bytes, context: Any) -> bytes:
    if request:
        await context.abort(grpc.StatusCode[request.decode()], "as asked")
    return b"done"


async def stream(request: bytes, _: Any) -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


@pytest.fixture
async def served() -> AsyncIterator[tuple[aio.Channel, Seen]]:
    seen = Seen()
    server = aio.server(interceptors=[TracingInterceptor(), seen])
    methods: dict[str, Any] = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Stream": grpc.unary_stream_rpc_method_handler(stream),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("example.Example", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel, seen
    await server.stop(None)


async def called(channel: aio.Channel, method: str, traceparent: str, request: bytes = b"") -> None:
    """As the channel of service_kit does."""
    span, headers = calling(method, {"traceparent": traceparent})
    make: Any = channel.unary_stream if method.endswith("Stream") else channel.unary_unary
    call = ending(make(method)(request, metadata=tuple(headers.items())), span)
    if method.endswith("Stream"):
        assert [part async for part in call] == [b"one", b"two"]
    else:
        assert await call.code() is grpc.StatusCode[request.decode() or "OK"]
    await asyncio.gather(*_ending)


@pytest.mark.parametrize("method", ["/example.Example/Unary", "/example.Example/Stream"])
async def test_a_call_has_a_span_on_either_side(collector: Any, served: Any, method: str) -> None:
    channel, seen = served
    with collector.recording():
        await called(channel, method, SAMPLED)
        await collector.receive(2)
    client, server = sorted(collector.spans, key=lambda span: -span.kind)
    assert [client.name, server.name] == [method[1:], method[1:]]
    assert server.parent_span_id == client.span_id
    assert seen.parent == f"00-{TRACE}-{server.span_id.hex()}-01"
    assert {a.value.string_value for a in client.attributes} == {"grpc", "OK"}
    assert client.status.code == server.status.code == 0


@pytest.mark.parametrize(("code", "is_fault"), [("UNAVAILABLE", True), ("NOT_FOUND", False)])
async def test_only_what_is_the_callees_fault_marks_a_call(
    collector: Any, served: Any, code: str, is_fault: bool
) -> None:
    with collector.recording():
        await called(served[0], "/example.Example/Unary", SAMPLED, code.encode())
        await collector.receive(2)
    assert [span.status.code == 2 for span in collector.spans] == [is_fault, is_fault]
    values = [{a.value.string_value for a in span.attributes} for span in collector.spans]
    assert values == [{"grpc", code}, {"grpc", code}]


async def test_an_unsampled_call_is_not_touched(collector: Any, served: Any) -> None:
    channel, seen = served
    with collector.recording(share=1.0):
        await called(channel, "/example.Example/Unary", UNSAMPLED)
    assert seen.parent == UNSAMPLED
    assert collector.spans == []
