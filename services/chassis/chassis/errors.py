"""Exceptions of the domain become status codes with details; all others stay inside."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc import StatusCode, aio
from grpc_status import rpc_status

from chassis import context as call_context

log = logging.getLogger(__name__)

StatusTable = Mapping[type[Exception], StatusCode]


def rich_status(error: Exception, code: StatusCode) -> status_pb2.Status:
    """The error with its reason, the bad fields it names (`violations`) and the resource it misses (`resource`)."""
    details = [error_details_pb2.ErrorInfo(reason=reason_of(error), domain="figtree")]
    if violations := getattr(error, "violations", ()):
        fields = [error_details_pb2.BadRequest.FieldViolation(field=f, description=d) for f, d in violations]
        details.append(error_details_pb2.BadRequest(field_violations=fields))
    if resource := getattr(error, "resource", None):
        kind, name = resource
        details.append(error_details_pb2.ResourceInfo(resource_type=kind, resource_name=name))
    status = status_pb2.Status(code=code_pb2.Code.Value(code.name), message=str(error))
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def reason_of(error: Exception) -> str:
    """UnknownTitle becomes UNKNOWN_TITLE."""
    name = type(error).__name__
    return "".join(f"_{c}" if c.isupper() and i else c for i, c in enumerate(name)).upper()


class ErrorInterceptor(aio.ServerInterceptor):
    """Enters the call's context and turns exceptions into statuses by the service's one table."""

    def __init__(self, table: StatusTable) -> None:
        self._table = table

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        handler = await continuation(details)
        if handler is None or details.method.startswith("/grpc."):
            return handler
        if handler.response_streaming:
            make = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
            behaviour = self._streaming(handler.stream_stream or handler.unary_stream, details)
        else:
            make = (
                grpc.stream_unary_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_unary_rpc_method_handler
            )
            behaviour = self._unary(handler.stream_unary or handler.unary_unary, details)
        return make(behaviour, handler.request_deserializer, handler.response_serializer)

    def _unary(self, behaviour: Any, details: grpc.HandlerCallDetails) -> Any:
        async def call(request: Any, servicer_context: aio.ServicerContext[Any, Any]) -> Any:
            self._enter(details, servicer_context)
            try:
                return await behaviour(request, servicer_context)
            except Exception as error:
                await self._abort(error, details, servicer_context)

        return call

    def _streaming(self, behaviour: Any, details: grpc.HandlerCallDetails) -> Any:
        async def call(request: Any, servicer_context: aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            self._enter(details, servicer_context)
            try:
                async for response in behaviour(request, servicer_context):
                    yield response
            except Exception as error:
                await self._abort(error, details, servicer_context)

        return call

    def _enter(
        self, details: grpc.HandlerCallDetails, servicer_context: aio.ServicerContext[Any, Any]
    ) -> None:
        headers = ((k, v) for k, v in details.invocation_metadata or () if isinstance(v, str))
        call_context.enter(headers, servicer_context.time_remaining())

    async def _abort(
        self,
        error: Exception,
        details: grpc.HandlerCallDetails,
        servicer_context: aio.ServicerContext[Any, Any],
    ) -> None:
        if isinstance(error, aio.AbortError):
            raise error
        code = next((self._table[kind] for kind in type(error).__mro__ if kind in self._table), None)
        if code is None:
            log.exception("unhandled error in %s", details.method, exc_info=error)
            await servicer_context.abort(StatusCode.INTERNAL, "internal error")
        else:
            await servicer_context.abort_with_status(rpc_status.to_status(rich_status(error, code)))  # type: ignore[attr-defined]
