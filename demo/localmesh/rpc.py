"""Remote procedures derived from Protocols: no method is written a second time to be called from another process.

A dataclass whose fields are Protocols (localmesh.api.Parts) says what can be called. Each coroutine method becomes
POST /FIELD.METHOD; arguments and result are JSON as pydantic makes it of the types in the method's signature.
"""

import inspect
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import GenericAlias
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, TypeAdapter, create_model
from runtime import api as runtime
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

P = TypeVar("P")
Send = Callable[
    [str, bytes], Awaitable[bytes]
]  # the procedure's name and its arguments; gives back the result
FAILURES = {
    name: kind
    for name, kind in vars(runtime).items()
    if isinstance(kind, type) and issubclass(kind, runtime.RuntimeFailure)
}


@dataclass(frozen=True)
class Procedure:
    """A method of a Protocol, and how its arguments and its result are written."""

    part: str
    method: str
    function: Callable[..., Any]

    @cached_property
    def _read_hints(self) -> dict[str, Any]:
        return get_type_hints(self.function, include_extras=True)

    @cached_property
    def _signature(self) -> inspect.Signature:
        """Without self."""
        signature = inspect.signature(self.function)
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    @cached_property
    def _arguments(self) -> type[BaseModel]:
        parameters = self._signature.parameters.values()
        fields: dict[str, Any] = {p.name: (_collect(p, self._read_hints[p.name]), ...) for p in parameters}
        return create_model(self.method, **fields)

    @cached_property
    def result(self) -> TypeAdapter[Any]:
        return TypeAdapter(self._read_hints["return"])

    @property
    def name(self) -> str:
        return f"{self.part}.{self.method}"

    def encode(self, *args: object, **kwargs: object) -> bytes:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return self._arguments(**bound.arguments).model_dump_json().encode()

    def decode(self, body: bytes) -> inspect.BoundArguments:
        """The arguments as the method takes them. Raises pydantic.ValidationError."""
        arguments = self._arguments.model_validate_json(body)
        return inspect.BoundArguments(self._signature, OrderedDict(arguments))


def _collect(parameter: inspect.Parameter, hint: Any) -> Any:
    """The type of the argument as the signature binds it: `*args` and `**kwargs` are collected."""
    match parameter.kind:
        case inspect.Parameter.VAR_POSITIONAL:
            return GenericAlias(tuple, (hint, ...))
        case inspect.Parameter.VAR_KEYWORD:
            return GenericAlias(dict, (str, hint))
    return hint


def procedures(parts: type) -> list[Procedure]:
    """Every coroutine method of every Protocol that is a field of that dataclass."""
    return [
        Procedure(part, method, function)
        for part, protocol in get_type_hints(parts).items()
        for method, function in inspect.getmembers(protocol, inspect.iscoroutinefunction)
    ]


def remote(parts: type[P], send: Send) -> P:
    """The dataclass, filled with objects whose methods call the other side."""
    methods: dict[str, dict[str, Any]] = {part: {} for part in get_type_hints(parts)}
    for procedure in procedures(parts):
        methods[procedure.part][procedure.method] = _make_caller(procedure, send)
    return parts(**{part: type(part, (), own)() for part, own in methods.items()})


def _make_caller(procedure: Procedure, send: Send) -> Callable[..., Awaitable[Any]]:
    async def call(_: object, *args: object, **kwargs: object) -> Any:
        return procedure.result.validate_json(await send(procedure.name, procedure.encode(*args, **kwargs)))

    return call


def application(parts: object) -> Starlette:
    """What answers such calls with the methods of the objects in the dataclass."""
    routes = [
        Route(
            f"/{one.name}",
            _make_handler(one, getattr(getattr(parts, one.part), one.method)),
            methods=["POST"],
        )
        for one in procedures(type(parts))
    ]
    return Starlette(routes=[*routes, Route("/{method:path}", _unknown, methods=["POST"])])


def _make_handler(
    procedure: Procedure, method: Callable[..., Awaitable[Any]]
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            arguments = procedure.decode(await request.body())
            result = procedure.result.dump_json(await method(*arguments.args, **arguments.kwargs))
        except runtime.RuntimeFailure as error:
            return _failure(type(error).__name__, str(error), 400)
        except Exception as error:  # the client shall know, whatever it is
            return _failure("RuntimeFailure", f"{type(error).__name__}: {error}", 500)
        return Response(result, media_type="application/json")

    return answer


async def _unknown(request: Request) -> Response:
    return _failure("RuntimeFailure", f"there is no {request.path_params['method']}", 404)


def _failure(kind: str, message: str, status: int) -> Response:
    return JSONResponse({"error": kind, "message": message}, status)


def failure(content: Mapping[str, str]) -> runtime.RuntimeFailure:
    """The exception that the other side has answered with."""
    return FAILURES.get(content["error"], runtime.RuntimeFailure)(content["message"])
