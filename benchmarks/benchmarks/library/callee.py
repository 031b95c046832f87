"""`python -m benchmarks.library.callee ADDRESS`: a service that does nothing."""

import argparse
import asyncio
import signal
from pathlib import Path
from typing import Any

import uvloop
from grpc import StatusCode, aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.library import mtls


class Health(health_pb2_grpc.HealthServicer):
    """Says who answers in the initial metadata; a sick one says UNAVAILABLE."""

    def __init__(self, name: str, *, sick: bool) -> None:
        self._name, self._sick = name, sick

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> health_pb2.HealthCheckResponse:
        """Well, or UNAVAILABLE."""
        await context.send_initial_metadata((("x-served-by", self._name),))
        if self._sick:
            await context.abort(StatusCode.UNAVAILABLE, "sick")
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


async def serve(address: str, certificates: Path | None, *, sick: bool) -> None:
    """Until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    server = aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(Health(address, sick=sick), server)
    if certificates is None:
        server.add_insecure_port(address)
    else:
        server.add_secure_port(address, mtls.of_callee(certificates))
    await server.start()
    await stopping.wait()
    await server.stop(1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.library.callee", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--certificates", type=Path)
    parser.add_argument("--sick", action="store_true")
    given = parser.parse_args()
    uvloop.run(serve(given.address, given.certificates, sick=given.sick))


if __name__ == "__main__":
    main()
