"""The most frequent requests, answered before FastAPI sees them: parse, ask the port, serialise.

Only a well-formed request is answered here. The routes answer every other one: they have the error messages.
`tests/test_fast_path.py` holds that both answer alike, byte for byte; docs/decisions/0028 has the figures.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError
from service_kit.context import concerns
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rest_api import figures
from rest_api.errors import EdgeError, NotTheWriter
from rest_api.models import Basket, NewOrder
from rest_api.ports import Ports
from rest_api.problems import answer_to
from rest_api.routes.body import repeated_member
from rest_api.routes.ports import tell

SMALL = 64 * 1024  # a basket of a hundred lines is a tenth of that
KEY = re.compile(rb"[\x21-\x7e]{1,64}")
TITLE, ORDER = "/api/titles/", "/api/orders/"
ID = re.compile(r"[A-Za-z0-9-]{1,32}")  # of a title; no id that can be written in another way
UUID_ = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Headers = Mapping[bytes, bytes]
Parsed = tuple[str, Any]  # idempotency key, the body


@dataclass(frozen=True, slots=True)
class FastRoute:
    """`read` parses a request, or raises ValidationError or LookupError; `answer` answers what it has parsed."""

    path: str
    read: Callable[[Headers, bytes], Parsed]
    answer: Callable[[Ports, Parsed], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class FastRead:
    """GET of one resource whose name has this form."""

    prefix: str
    parameter: str
    form: re.Pattern[str]
    answer: Callable[[Ports, str], Awaitable[Response]]

    @property
    def path(self) -> str:
        """As FastAPI writes it."""
        return f"{self.prefix}{{{self.parameter}}}"


class FastPath:
    """The innermost middleware: answers a well-formed request of FAST, and hands on every other one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["query_string"]:
            await self._app(scope, receive, send)
        elif scope["method"] == "GET" and (one := _one(scope["path"])):
            scope["route"] = one[0]
            scope["path_params"] = {one[0].parameter: one[1]}
            await _answered(one[0].answer(scope["app"].state.ports, one[1]), scope, receive, send)
        elif scope["method"] == "POST" and (route := FAST.get(scope["path"])):
            await self._post(route, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _post(self, route: FastRoute, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if len(headers) < len(scope["headers"]) or not _is_small_json(headers):
            await self._app(scope, receive, send)
            return
        messages = await _read_all(receive)
        body = b"".join(message.get("body", b"") for message in messages)
        try:
            if repeated_member(body):
                raise LookupError
            parsed = route.read(headers, body)
        except (ValidationError, LookupError):
            await self._app(scope, _replay(messages, receive), send)
            return
        scope["route"] = route  # as FastAPI says what a request was for
        await _answered(route.answer(scope["app"].state.ports, parsed), scope, receive, send)


async def _answered(answer: Awaitable[Response], scope: Scope, receive: Receive, send: Send) -> None:
    try:
        response = await answer
    except (EdgeError, NotTheWriter) as error:
        response = answer_to(error)
    await response(scope, receive, send)


def _one(path: str) -> "tuple[FastRead, str] | None":
    """The route of one resource, and its name; none for a name that FastAPI has to judge."""
    for read in READS:
        if path.startswith(read.prefix):
            name = path[len(read.prefix) :]
            return (read, name) if read.form.fullmatch(name) else None
    return None


def _is_small_json(headers: Headers) -> bool:
    length = headers.get(b"content-length", b"")
    return headers.get(b"content-type") == b"application/json" and length.isdigit() and int(length) <= SMALL


async def _read_all(receive: Receive) -> list[Message]:
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """Receive the messages once more, and then those that follow."""
    left = iter(messages)

    async def receive_again() -> Message:
        message = next(left, None)
        return message if message is not None else await receive()

    return receive_again


def _read_order(headers: Headers, body: bytes) -> Parsed:
    key = headers[b"idempotency-key"]
    if not KEY.fullmatch(key):
        raise LookupError
    return key.decode(), NewOrder.model_validate_json(body)


async def _place(ports: Ports, parsed: Parsed) -> Response:
    concerns(parsed[1].customer_id)
    placed = await ports.orders.place(*parsed)
    figures.counted(placed)
    response = _json(placed.order, 200 if placed.replayed else 201)
    response.headers["location"] = f"/api/orders/{placed.order.id}"
    tell(response, placed.degraded)
    return response


def _read_basket(_: Headers, body: bytes) -> Parsed:
    return "", Basket.model_validate_json(body)


async def _quote(ports: Ports, parsed: Parsed) -> Response:
    quote = await ports.pricing.quote(parsed[1])
    figures.priced(quote)
    response = _json(quote, 200)
    tell(response, quote.degraded)
    return response


async def _get_title(ports: Ports, title_id: str) -> Response:
    return _json(await ports.titles.get(title_id), 200)


async def _get_order(ports: Ports, order_id: str) -> Response:
    return _json(await ports.orders.get(UUID(order_id)), 200)


def _json(content: BaseModel, status: int) -> Response:
    return Response(content.model_dump_json(), status, media_type="application/json")


READS = (FastRead(TITLE, "title_id", ID, _get_title), FastRead(ORDER, "order_id", UUID_, _get_order))
FAST: Mapping[str, FastRoute] = {
    route.path: route
    for route in (
        FastRoute("/api/orders", _read_order, _place),
        FastRoute("/api/quotes", _read_basket, _quote),
    )
}
