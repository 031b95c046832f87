"""The FastAPI application of the REST contract, over any implementation of the ports."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from tracing.asgi import TraceRequests

from rest_api import contract, figures, problems
from rest_api.caching import Validators
from rest_api.digest import ContentDigest
from rest_api.entry import (
    BodyLimit,
    EnterCall,
    HeadAsGet,
    Leaving,
    Refusals,
    described,
)
from rest_api.fast_path import FastPath
from rest_api.ports import Ports
from rest_api.routes import currency, customer, order, pricing, title


def create_app(lifespan: Callable[[], AbstractAsyncContextManager[Ports]]) -> FastAPI:
    """The application; `lifespan` builds the ports when it starts and closes what they need when it ends."""

    @asynccontextmanager
    async def with_ports(app: FastAPI) -> AsyncIterator[None]:
        async with lifespan() as ports:
            app.state.ports = ports
            yield

    app = FastAPI(
        title="Figtree",
        version="1",
        summary="Titles, rates, quotes and orders: the same contract in every shape",
        lifespan=with_ports,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # libs/tracing and figures.py do it
        redirect_slashes=False,  # a redirect would name a host that only the mesh knows
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.draining = False
    problems.install(app)
    for routes in (title, currency, pricing, order, customer):
        app.include_router(routes.router)

    @app.get("/healthz", include_in_schema=False)
    async def health() -> JSONResponse:
        if app.state.draining:
            return JSONResponse({"status": "draining"}, 503)
        return JSONResponse({"status": "ok"})

    app.add_middleware(FastPath)
    app.add_middleware(Validators)
    app.add_middleware(BodyLimit)
    app.add_middleware(HeadAsGet)
    app.add_middleware(EnterCall)
    app.add_middleware(Refusals)
    app.add_middleware(ContentDigest)
    app.add_middleware(TraceRequests, describe=described, measure=figures.took)
    app.add_middleware(Leaving, state=app.state)
    contract.install(app)
    return app
