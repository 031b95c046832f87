"""gRPC calls as one of the workloads would make them: through its sidecar, with its identity."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from grpc import StatusCode, aio

from runtime.api import Runtime

PORT = 50051


@asynccontextmanager
async def channel(
    runtime: Runtime, caller: str, callee: str, options: Sequence[tuple[str, object]] = ()
) -> AsyncIterator[aio.Channel]:
    """From the caller's sidecar to the callee, or straight to the callee where there is no mesh.

    Without options gRPC itself repeats nothing.
    """
    authority = f"{callee}:{PORT}"
    settings = {"grpc.default_authority": authority, "grpc.enable_retries": 0, "grpc.enable_http_proxy": 0}
    settings |= dict(options)
    meshed = "mesh" in runtime.capabilities
    target = await (runtime.mesh.egress(caller) if meshed else runtime.workloads.address(callee))
    async with aio.insecure_channel(target, options=list(settings.items())) as opened:
        yield opened


async def status_of(call: Any) -> StatusCode:
    """How a call ended; a stream is as good as its first message."""
    try:
        await (call.read() if hasattr(call, "read") else call)
    except aio.AioRpcError as error:
        return StatusCode(error.code())
    return StatusCode.OK


@dataclass(slots=True)
class Calls:
    """How gRPC calls ended, and how many seconds each of them took."""

    statuses: Counter[StatusCode] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def count(self) -> int:
        """All calls."""
        return self.statuses.total()

    @property
    def failed(self) -> int:
        """The calls with another status than OK."""
        return self.count - self.statuses[StatusCode.OK]

    @property
    def failures(self) -> str:
        """Which, and how many of each."""
        return "".join(f", {n} {code.name}" for code, n in self.statuses.items() if code is not StatusCode.OK)

    def percentile(self, share: float) -> float:
        """Milliseconds under which that share (0 to 100) of the calls ended."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]


async def many(count: int, call: Callable[[], Awaitable[object]], concurrency: int = 8) -> Calls:
    """`count` calls, `concurrency` at a time."""
    done, left = Calls(), iter(range(count))

    async def one_after_another() -> None:
        for _ in left:
            begun = time.monotonic()
            done.statuses[await status_of(call())] += 1
            done.seconds.append(time.monotonic() - begun)

    await asyncio.gather(*(one_after_another() for _ in range(concurrency)))
    return done


def outbound(callee: str, counter: str) -> str:
    """The name of a caller's counter of what it sends to the callee."""
    return f"outbound|{PORT}||{callee}.figtree.svc.cluster.local;.{counter}"
