"""What happens to every request before its route."""

from chassis import context as call_context
from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DEADLINE = 10.0  # seconds that one request may take in all, streams aside


class EnterCall:
    """Hands the inbound headers and the deadline on to outbound calls."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # gRPC metadata takes printable ASCII only: a header with anything else ends here
            headers = ((k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"])
            call_context.enter(((k, v) for k, v in headers if v.isascii() and v.isprintable()), DEADLINE)
        await self._app(scope, receive, send)


class Leaving:
    """While the process drains, each answer asks its caller to come back on another connection.

    A server that closes an idle connection may cross with the next request on it; this way none is idle.
    """

    def __init__(self, app: ASGIApp, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def leaving(message: Message) -> None:
            if message["type"] == "http.response.start" and self._state.draining:
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, leaving if scope["type"] == "http" else send)
