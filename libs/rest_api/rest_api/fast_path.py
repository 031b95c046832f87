"""The two requests that come most often, without a framework's ceremony: read, ask the port, write.

Only what is plainly well-formed is answered here. Everything else takes the ordinary way, which has the words for what
is wrong with it; so do all other requests.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

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

SMALL = 64 * 1024  # a basket of a hundred lines is a tenth of that
KEY = re.compile(rb"[\x21-\x7e]{1,64}")
Headers = Mapping[bytes, bytes]
Asked = tuple[str, Any]  # idempotency key, what the body says


@dataclass(frozen=True, slots=True)
class Hot:
    """Reads a request, or raises ValidationError or LookupError; answers what was read."""

    read: Callable[[Headers, bytes], Asked]
    answer: Callable[[Ports, Asked], Awaitable[Response]]


class FastPath:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hot = HOT.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if hot is None:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if len(headers) < len(scope["headers"]) or scope["query_string"] or not _is_small_json(headers):
            await self._app(scope, receive, send)
            return
        messages = await _read_all(receive)
        body = b"".join(message.get("body", b"") for message in messages)
        try:
            if repeated_member(body):
                raise LookupError
            asked = hot.read(headers, body)
        except (ValidationError, LookupError):
            await self._app(scope, _replay(messages, receive), send)
            return
        try:
            response = await hot.answer(scope["app"].state.ports, asked)
        except (EdgeError, NotTheWriter) as error:
            response = answer_to(error)
        await response(scope, receive, send)


def _is_small_json(headers: Headers) -> bool:
    length = headers.get(b"content-length", b"")
    return headers.get(b"content-type") == b"application/json" and length.isdigit() and int(length) <= SMALL


async def _read_all(receive: Receive) -> list[Message]:
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """What was received is received once more."""
    left = iter(messages)

    async def receive_again() -> Message:
        message = next(left, None)
        return message if message is not None else await receive()

    return receive_again


def _read_order(headers: Headers, body: bytes) -> Asked:
    key = headers[b"idempotency-key"]
    if not KEY.fullmatch(key):
        raise LookupError
    return key.decode(), NewOrder.model_validate_json(body)


async def _place(ports: Ports, asked: Asked) -> Response:
    concerns(asked[1].customer_id)
    placed = await ports.orders.place(*asked)
    figures.counted(placed)
    response = _json(placed.order, 200 if placed.replayed else 201)
    response.headers["location"] = f"/api/orders/{placed.order.id}"
    return response


def _read_basket(_: Headers, body: bytes) -> Asked:
    return "", Basket.model_validate_json(body)


async def _quote(ports: Ports, asked: Asked) -> Response:
    quote = await ports.pricing.quote(asked[1])
    figures.priced(quote)
    return _json(quote, 200)


def _json(content: BaseModel, status: int) -> Response:
    return Response(content.model_dump_json(), status, media_type="application/json")


HOT: Mapping[str, Hot] = {
    "/api/orders": Hot(_read_order, _place),
    "/api/quotes": Hot(_read_basket, _quote),
}
