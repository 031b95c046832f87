"""Start, health, reflection, drain: the life of a gRPC process."""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import uvloop
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from tracing.rpc import TracingInterceptor

from service_kit.context import Conventions
from service_kit.errors import METADATA_LIMITS, ErrorInterceptor, StatusTable

log = logging.getLogger(__name__)

OPTIONS = [
    *METADATA_LIMITS,
    ("grpc.so_reuseport", 0),  # a second process on our port is a mistake, not a colleague
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
]


def stop_signal() -> asyncio.Event:
    """Set by SIGTERM, which Kubernetes sends, and SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


async def serve(
    listen: str,
    register: Callable[[aio.Server], None],
    services: Sequence[str],
    errors: StatusTable,
    conventions: Conventions,
    *,
    drain: float = 1.0,
    grace: float = 10.0,
    max_concurrent: int = 1000,
) -> None:
    """Serve until SIGTERM: then say NOT_SERVING, give callers `drain` seconds to notice and calls `grace` to end.

    `listen` is host:port or unix:/path; a call beyond `max_concurrent` is refused with RESOURCE_EXHAUSTED.
    """
    stopping = stop_signal()
    interceptors = [TracingInterceptor(), ErrorInterceptor(errors, conventions)]
    server = aio.server(interceptors=interceptors, options=OPTIONS, maximum_concurrent_rpcs=max_concurrent)
    register(server)
    healthy = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    reflection.enable_server_reflection((*services, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    for name in services:
        await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
    server.add_insecure_port(listen)  # the sidecar does TLS
    await server.start()
    log.info("serving on %s", listen)
    await stopping.wait()
    log.info("draining")
    await healthy.enter_graceful_shutdown()
    await asyncio.sleep(drain)
    await server.stop(grace)
    log.info("stopped")


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a process's main coroutine."""
    uvloop.run(main())
