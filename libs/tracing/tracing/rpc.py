"""A span for each sampled call, on either side of gRPC."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from grpc import aio
from opentelemetry.trace import SpanKind

from tracing.spans import TRACEPARENT, Headers, Started, begin

FAULTS = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}

_ending: set[asyncio.Task[None]] = set()


def calling(method: str, headers: Headers) -> tuple[Started | None, Headers]:
    """What an outbound call takes along; the span, if there is one, is for `ending`."""
    started = begin(method[1:], SpanKind.CLIENT, headers)
    return (None, headers) if started is None else (started, started.headers)


def ending(call: Any, started: Started | None) -> Any:
    """The call, with which the span ends."""
    if started is None:
        return call

    async def end() -> None:
        _close(started, (await call.code()).name)

    task = asyncio.ensure_future(end())
    _ending.add(task)
    task.add_done_callback(_ending.discard)
    return call


def _close(started: Started, code: str) -> None:
    started.set(rpc__system="grpc", rpc__grpc__status_code=code)
    if code in FAULTS:
        started.fail(code)
    started.end()


class TracingInterceptor(aio.ServerInterceptor):
    """Stands before all others, so that they see a call whose traceparent names our span."""

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: grpc.HandlerCallDetails
    ) -> Any:
        """The method's handler; a sampled call gets a span that ends with it."""
        metadata = details.invocation_metadata or ()
        parent = next((value for name, value in metadata if name == TRACEPARENT), None)
        if not isinstance(parent, str):
            return await continuation(details)
        started = begin(details.method[1:], SpanKind.SERVER, {TRACEPARENT: parent})
        if started is None:
            return await continuation(details)
        others = ((name, value) for name, value in metadata if name != TRACEPARENT)
        call_details: Any = type(details)  # grpc takes no other class
        handler = await continuation(call_details(details.method, (*others, *started.headers.items())))
        return handler and _record(handler, started)


def _record(handler: Any, started: Started) -> Any:
    requests = "stream" if handler.request_streaming else "unary"
    responses = "stream" if handler.response_streaming else "unary"
    behaviour = getattr(handler, f"{requests}_{responses}")

    async def one(request: Any, context: Any) -> Any:
        try:
            return await behaviour(request, context)
        finally:
            _close(started, _name_of(context.code()))

    async def many(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            async for response in behaviour(request, context):
                yield response
        finally:
            _close(started, _name_of(context.code()))

    make = getattr(grpc, f"{requests}_{responses}_rpc_method_handler")
    recorded = many if handler.response_streaming else one
    return make(recorded, handler.request_deserializer, handler.response_serializer)


def _name_of(code: Any) -> str:
    """None and 0 both mean that nothing went wrong."""
    return "OK" if not code else code.name if isinstance(code, grpc.StatusCode) else str(code)
