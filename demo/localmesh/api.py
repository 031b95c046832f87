"""The supervisor's methods over HTTP on its Unix socket."""

import inspect
from typing import Any

from runtime import api as runtime
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localmesh.control import Control

METHODS = frozenset(
    name for name, _ in inspect.getmembers(Control, inspect.iscoroutinefunction) if not name.startswith("_")
)


def application(control: Control) -> Starlette:
    async def call(request: Request) -> Response:
        name = request.path_params["method"]
        if name not in METHODS:
            return JSONResponse({"error": "RuntimeFailure", "message": f"there is no {name}"}, 404)
        try:
            result: Any = await getattr(control, name)(**(await request.json()))
        except runtime.RuntimeFailure as error:
            return JSONResponse({"error": type(error).__name__, "message": str(error)}, 400)
        except Exception as error:  # the client shall know, whatever it is
            return JSONResponse(
                {"error": "RuntimeFailure", "message": f"{type(error).__name__}: {error}"}, 500
            )
        return JSONResponse({"result": result})

    return Starlette(routes=[Route("/{method}", call, methods=["POST"])])
