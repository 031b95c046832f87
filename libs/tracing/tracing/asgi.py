"""A span for each sampled HTTP request; what the application reads and hands on then names that span."""

from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter

from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracing.spans import TRACEPARENT, Started, begin

Describe = Callable[[Scope, Mapping[bytes, bytes]], Mapping[str, str]]
Measure = Callable[[str, str, float, str], None]


def unmeasured(method: str, route: str, seconds: float, trace_id: str) -> None:
    """Measures nothing."""


class TraceRequests:
    """`describe` takes the scope and the answer's headers, for attributes that only the application knows.

    `measure` takes the method and the route of each request, the seconds until it was answered whole, and the id of its
    trace, which is empty where it has none.
    """

    def __init__(self, app: ASGIApp, describe: Describe, measure: Measure = unmeasured) -> None:
        self._app = app
        self._describe = describe
        self._measure = measure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        parent = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
        headers = {TRACEPARENT: parent.decode("latin-1")} if parent else {}
        started, begun = begin(scope["method"], SpanKind.SERVER, headers, root=True), perf_counter()
        answer, trace_id = self._app, ""
        if started is not None:
            others = [(name, value) for name, value in scope["headers"] if name != b"traceparent"]
            scope = {**scope, "headers": [*others, (b"traceparent", started.headers[TRACEPARENT].encode())]}
            answer, trace_id = partial(self._trace, started), started.trace_id
        try:
            await answer(scope, receive, send)
        finally:
            self._measure(scope["method"], _route(scope), perf_counter() - begun, trace_id)

    async def _trace(self, started: Started, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.set(http__response__status_code=message["status"])
                if message["status"] >= 500:
                    started.fail(str(message["status"]))
                for name, value in self._describe(scope, dict(message["headers"])).items():
                    started.span.set_attribute(name, value)
            await send(message)

        started.set(http__request__method=scope["method"])
        try:
            await self._app(scope, receive, noting)
        except BaseException as error:
            started.fail(type(error).__name__)
            raise
        finally:
            path = _route(scope)
            started.span.update_name(f"{scope['method']} {path}".rstrip())
            started.set(http__route=path)
            started.end()


def _route(scope: Scope) -> str:
    """The pattern of the path, once the application has found it; else empty."""
    return str(getattr(scope.get("route"), "path", ""))
