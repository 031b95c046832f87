"""The FastAPI application of the REST contract, over any implementation of the ports."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from chassis import context as call_context
from fastapi import FastAPI
from starlette.datastructures import State
from starlette.types import ASGIApp, Receive, Scope, Send

from edge import problems
from edge.digest import ContentDigest
from edge.ports import Ports
from edge.routes import currency, customer, order, pricing, title

DEADLINE = 10.0  # seconds that one request may take in all, streams aside


class EnterCall:
    """Hands the inbound headers and the deadline on to outbound calls."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            call_context.enter(
                ((k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]), DEADLINE
            )
        await self._app(scope, receive, send)


def create_app(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[Ports]]) -> FastAPI:
    """The application; `lifespan` builds the ports when it starts and closes what they need when it ends."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def with_ports(app: FastAPI):  # type: ignore[no-untyped-def]
        async with lifespan(app) as ports:
            app.state.ports = ports
            app.state.ready = True
            yield
            app.state.ready = False

    app = FastAPI(
        title="Figtree",
        version="1",
        summary="Titles, rates, quotes and orders: the same contract in every shape",
        lifespan=with_ports,
        redoc_url=None,
    )
    app.state = State()
    problems.install(app)
    for routes in (title, currency, pricing, order, customer):
        app.include_router(routes.router)

    @app.get("/healthz", include_in_schema=False)
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    app.add_middleware(EnterCall)
    app.add_middleware(ContentDigest)
    return app
