"""A channel to a neighbour: where to dial, what it is called, and never without a deadline."""

from collections.abc import Callable
from typing import Any

from grpc import aio

from chassis.context import outbound_metadata, time_left

OPTIONS = [
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.enable_retries", 0),  # retries are the mesh's
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
]


def open_channel(address: str, egress: str = "", *, limit: float = 5.0) -> aio.Channel:
    """A channel to `address` (name:port). If `egress` names a host, that one is dialled on the same port instead
    and the neighbour's name travels as the authority, as with an HTTP proxy: how a sidecar without iptables is used.

    Every unary call ends after `limit` seconds or when the caller's own deadline comes, whichever is first.
    """
    options: list[tuple[str, Any]] = list(OPTIONS)
    target = address
    if egress:
        port = address.rpartition(":")[2]
        target = f"{egress}:{port}"
        options.append(("grpc.default_authority", address))
    interceptors: list[aio.ClientInterceptor] = [
        _Unary(limit),
        _UnaryStream(),
        _StreamUnary(limit),
        _StreamStream(),
    ]
    return aio.insecure_channel(target, options=options, interceptors=interceptors)


def _handed_on(details: aio.ClientCallDetails, limit: float | None) -> aio.ClientCallDetails:
    timeout = details.timeout
    if limit is not None:
        timeout = time_left(limit if timeout is None else timeout)
    elif timeout is not None:
        timeout = time_left(timeout)
    metadata = aio.Metadata(*(details.metadata or ()), *outbound_metadata())
    return aio.ClientCallDetails(
        details.method, timeout, metadata, details.credentials, details.wait_for_ready
    )


class _Unary(aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    def __init__(self, limit: float) -> None:
        self._limit = limit

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], details: aio.ClientCallDetails, request: Any
    ) -> Any:
        return await continuation(_handed_on(details, self._limit), request)


class _UnaryStream(aio.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], details: aio.ClientCallDetails, request: Any
    ) -> Any:
        return await continuation(_handed_on(details, None), request)


class _StreamUnary(aio.StreamUnaryClientInterceptor):  # type: ignore[type-arg]
    def __init__(self, limit: float) -> None:
        self._limit = limit

    async def intercept_stream_unary(
        self, continuation: Callable[..., Any], details: aio.ClientCallDetails, requests: Any
    ) -> Any:
        return await continuation(_handed_on(details, self._limit), requests)


class _StreamStream(aio.StreamStreamClientInterceptor):  # type: ignore[type-arg]
    async def intercept_stream_stream(
        self, continuation: Callable[..., Any], details: aio.ClientCallDetails, requests: Any
    ) -> Any:
        return await continuation(_handed_on(details, None), requests)
