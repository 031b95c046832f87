"""After three failures running nobody is asked for 20 s. It sees calls, not instances: those are the channel's."""

from collections.abc import Callable
from typing import Any

from circuitbreaker import CircuitBreaker
from grpc import StatusCode, aio


class Breaker(aio.UnaryUnaryClientInterceptor):
    """Raises CircuitBreakerError while it is open."""

    def __init__(self) -> None:
        guard = CircuitBreaker(failure_threshold=3, recovery_timeout=20, expected_exception=aio.AioRpcError)
        self._guarded = guard(self._answered)

    async def _answered(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        call = await continuation(details, request)
        if await call.code() is StatusCode.UNAVAILABLE:
            await call  # raises
        return call

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], details: aio.ClientCallDetails, request: Any
    ) -> Any:
        """The call, if it may be made."""
        return await self._guarded(continuation, details, request)
