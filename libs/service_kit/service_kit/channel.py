"""A channel to a neighbour: where to dial, what it is called, and never without a deadline."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from grpc import aio
from tracing.rpc import calling, ending

from service_kit.context import current, time_left
from service_kit.errors import METADATA_LIMITS, reason_in

log = logging.getLogger(__name__)

OPTIONS = [
    *METADATA_LIMITS,
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.http2.max_pings_without_data", 0),  # else the third ping of a silent stream is not sent
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.enable_retries", 0),  # retries are the mesh's
    ("grpc.enable_http_proxy", 0),  # neighbours are never behind a proxy that the environment names
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
]


def open_channel(address: str, egress: str = "", *, limit: float = 5.0) -> aio.Channel:
    """A channel to `address` (name:port), whose calls hand on the caller's headers and deadline.

    If `egress` names a host, that one is dialled on the same port instead and the neighbour's name travels as the
    authority, as with an HTTP proxy: how a sidecar without iptables is used.
    A call that is answered once ends after `limit` seconds, or with the caller's deadline if that is sooner.
    """
    options: list[tuple[str, object]] = list(OPTIONS)
    target = address
    if egress:
        target = f"{egress}:{address.rpartition(':')[2]}"
        options.append(("grpc.default_authority", address))
    interceptors = [
        _handing_on(aio.UnaryUnaryClientInterceptor, "intercept_unary_unary", limit),
        _handing_on(aio.StreamUnaryClientInterceptor, "intercept_stream_unary", limit),
        _handing_on(aio.UnaryStreamClientInterceptor, "intercept_unary_stream", None),
        _handing_on(aio.StreamStreamClientInterceptor, "intercept_stream_stream", None),
    ]
    return aio.insecure_channel(target, options=options, interceptors=interceptors)


@contextmanager
def answers_of(
    neighbour: str,
    unavailable: Callable[[str], Exception],
    reasons: Mapping[str, Callable[[str], Exception]] = MappingProxyType({}),
) -> Iterator[None]:
    """Raise `unavailable` with a sentence that names the neighbour if a call inside fails; log its status.

    A failure whose reason (google.rpc.ErrorInfo) is in `reasons` becomes that exception, with the neighbour's sentence.
    """
    try:
        yield
    except aio.AioRpcError as error:
        log.warning("%s does not answer: %s %s", neighbour, error.code().name, error.details())
        known = reasons.get(reason_in(error))
        raise (
            known(error.details() or "") if known else unavailable(f"{neighbour} does not answer")
        ) from error


def _handing_on(kind: type[aio.ClientInterceptor], method: str, limit: float | None) -> Any:
    async def intercept(
        _: Any, continuation: Callable[..., Any], details: aio.ClientCallDetails, request: Any
    ) -> Any:
        timeout = limit if details.timeout is None else details.timeout
        timeout = None if timeout is None else time_left(timeout)
        span, headers = calling(details.method, current().headers)
        metadata = aio.Metadata(*(details.metadata or ()), *headers.items())
        handed_on = aio.ClientCallDetails(
            details.method, timeout, metadata, details.credentials, details.wait_for_ready
        )
        return ending(await continuation(handed_on, request), span)

    return type(kind.__name__, (kind,), {method: intercept})()
