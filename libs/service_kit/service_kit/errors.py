"""Exceptions of the domain become status codes with details; all others stay inside."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc import StatusCode, aio
from grpc_status import rpc_status

from service_kit.context import Conventions, enter

log = logging.getLogger(__name__)

# Room for the violations of a hundred lines; the default is 8 KiB, and the sidecar's is 60.
METADATA_LIMITS = [("grpc.max_metadata_size", 60 * 1024), ("grpc.absolute_max_metadata_size", 64 * 1024)]

StatusTable = Mapping[type[Exception], StatusCode]
Detail = TypeVar("Detail", bound=Message)
Call = grpc.HandlerCallDetails
Context = aio.ServicerContext[Any, Any]


def rich_status(error: Exception, code: StatusCode, domain: str) -> status_pb2.Status:
    """The error with its reason, the fields it finds wrong (`violations`) and what it misses (`resource`)."""
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=reason_of(error), domain=domain)]
    if violations := getattr(error, "violations", ()):
        fields = [error_details_pb2.BadRequest.FieldViolation(field=f, description=d) for f, d in violations]
        details.append(error_details_pb2.BadRequest(field_violations=fields))
    if resource := getattr(error, "resource", None):
        details.append(error_details_pb2.ResourceInfo(resource_type=resource[0], resource_name=resource[1]))
    brief = str(error)[:500]  # it travels twice, and the violations say it all
    status = status_pb2.Status(code=code_pb2.Code.Value(code.name), message=brief)
    for detail in details:
        status.details.add().Pack(detail)
    return status


def reason_of(error: Exception) -> str:
    """NotFound becomes NOT_FOUND."""
    name = type(error).__name__
    return "".join(f"_{c}" if c.isupper() and i else c for i, c in enumerate(name)).upper()


def details_in(error: aio.AioRpcError, kind: type[Detail]) -> Iterator[Detail]:
    """The details of that kind (google.rpc.error_details) that came with a status."""
    status: Any = rpc_status.from_call(error)
    for packed in status.details if status else ():
        detail = kind()
        if packed.Unpack(detail):
            yield detail


def reason_in(error: aio.AioRpcError) -> str:
    """The reason that came with a status; empty if it brought none."""
    return next((info.reason for info in details_in(error, error_details_pb2.ErrorInfo)), "")


class ErrorInterceptor(aio.ServerInterceptor):
    """Enters the call's context and turns exceptions into statuses by the service's one table."""

    def __init__(self, table: StatusTable, conventions: Conventions) -> None:
        self._table = table
        self._conventions = conventions

    async def intercept_service(self, continuation: Callable[[Call], Awaitable[Any]], details: Call) -> Any:
        """The method's handler, wrapped; health and reflection are left as they are."""
        handler = await continuation(details)
        if handler is None or details.method.startswith("/grpc."):
            return handler
        requests = "stream" if handler.request_streaming else "unary"
        responses = "stream" if handler.response_streaming else "unary"
        wrap = self._streaming if handler.response_streaming else self._unary
        make = getattr(grpc, f"{requests}_{responses}_rpc_method_handler")
        behaviour = wrap(getattr(handler, f"{requests}_{responses}"), details)
        return make(behaviour, handler.request_deserializer, handler.response_serializer)

    def _unary(self, behaviour: Any, details: Call) -> Any:
        async def call(request: Any, context: Context) -> Any:
            self._enter(details, context)
            try:
                return await behaviour(request, context)
            except Exception as error:
                await self._abort(error, details, context)

        return call

    def _streaming(self, behaviour: Any, details: Call) -> Any:
        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            self._enter(details, context)
            try:
                async for response in behaviour(request, context):
                    yield response
            except Exception as error:
                await self._abort(error, details, context)

        return call

    def _enter(self, details: Call, context: Context) -> None:
        enter(self._conventions.propagated(details.invocation_metadata or ()), context.time_remaining())

    async def _abort(self, error: Exception, details: Call, context: Context) -> None:
        if isinstance(error, aio.AbortError):
            raise error
        code = next((self._table[kind] for kind in type(error).__mro__ if kind in self._table), None)
        if code is None:
            log.exception("unhandled error in %s", details.method, exc_info=error)
            await context.abort(StatusCode.INTERNAL, "internal error")
        else:
            status = rich_status(error, code, self._conventions.error_domain)
            await context.abort_with_status(rpc_status.to_status(status))
