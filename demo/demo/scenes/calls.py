"""gRPC calls as one of the workloads would make them: through its sidecar, with its identity."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from grpc import StatusCode, aio

from demo.runtimes.runtime import Runtime

PORT = 50051


@asynccontextmanager
async def channel(
    runtime: Runtime, caller: str, callee: str, options: Sequence[tuple[str, Any]] = ()
) -> AsyncIterator[aio.Channel]:
    """From the caller's sidecar to the callee. Without options gRPC itself repeats nothing."""
    settings = {"grpc.default_authority": f"{callee}:{PORT}", "grpc.enable_retries": 0} | dict(options)
    target = f"{await runtime.egress(caller)}:{PORT}"
    async with aio.insecure_channel(target, options=list(settings.items())) as opened:
        yield opened


async def status_of(call: Any) -> StatusCode:
    """How a call ended; a stream is as good as its first message."""
    try:
        await (call.read() if hasattr(call, "read") else call)
    except aio.AioRpcError as error:
        return StatusCode(error.code())
    return StatusCode.OK
