"""Start, health, reflection, drain: the life of a gRPC process."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from chassis.errors import ErrorInterceptor, StatusTable

log = logging.getLogger(__name__)

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVING = health_pb2.HealthCheckResponse.SERVING

OPTIONS = [
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
    services: Iterable[str],
    errors: StatusTable,
    *,
    drain: float = 1.0,
    grace: float = 10.0,
    max_concurrent: int = 1000,
) -> None:
    """Serve until SIGTERM: then NOT_SERVING, `drain` seconds for the callers to notice, `grace` for calls under way.

    `listen` is host:port or unix:/path; a call beyond `max_concurrent` is refused with RESOURCE_EXHAUSTED.
    """
    stopping = stop_signal()
    server = aio.server(
        interceptors=[ErrorInterceptor(errors)], options=OPTIONS, maximum_concurrent_rpcs=max_concurrent
    )
    register(server)
    names = ("", *services)
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    reflection.enable_server_reflection(
        (*services, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME),
        server,
    )
    for name in names:
        await health.set(name, NOT_SERVING)
    server.add_insecure_port(listen)  # the sidecar does TLS
    await server.start()
    for name in names:
        await health.set(name, SERVING)
    log.info("serving on %s", listen)
    await stopping.wait()
    log.info("draining")
    await health.enter_graceful_shutdown()
    await asyncio.sleep(drain)
    await server.stop(grace)
    log.info("stopped")


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a process's main coroutine on uvloop."""
    import uvloop

    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
