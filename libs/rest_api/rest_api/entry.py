"""What happens to every request before its route."""

import asyncio
import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote_to_bytes

from service_kit import context as call_context
from starlette.datastructures import Headers, State
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rest_api.conventions import CONVENTIONS
from rest_api.errors import Invalid
from rest_api.problems import answer_to, http_problem, respond

MAX_BODY = 1024 * 1024  # a full bulk order is half of that
HANDED_ON = frozenset(name.encode() for name in CONVENTIONS.handed_on)
AMBIGUOUS = re.compile(rb"^[^?]*(%2f|%5c|\\)", re.IGNORECASE)
AMBIGUOUS_PATH = http_problem(400, "Bad Request").model_copy(
    update={"detail": "the path has an encoded slash (%2F) or a backslash: separate its parts with / only"}
)
# Headers that the edge reads and whose values are not lists: RFC 9110 allows each of them once.
ONCE = {
    name.lower().encode(): name
    for name in (
        "Authorization",
        "Content-Length",
        "Content-Type",
        "Host",
        "Idempotency-Key",
        "Last-Event-ID",
        "X-Environment",
        "X-Figtree-User",
        "X-Request-ID",
        "X-User",
    )
}
DEADLINE = 10.0  # seconds that one request may take in all, streams aside


def repeated_header(scope: Scope) -> Response | None:
    """Refuses a repeated header of ONCE: another reader of it could choose the other value."""
    names = [name for name, _ in scope["headers"]]
    if len(set(names)) == len(names):
        return None
    repeated = [(ONCE[name], names.count(name)) for name in ONCE if names.count(name) > 1]
    wrong = [(name, f"was sent {count} times: send this header once") for name, count in repeated]
    return answer_to(Invalid(wrong)) if wrong else None


def ambiguous_path(scope: Scope) -> Response | None:
    """Refuses a path with an encoded slash or a backslash: a proxy in front may have read it as another path."""
    is_ambiguous = AMBIGUOUS.search(scope.get("raw_path") or scope["path"].encode())
    return respond(AMBIGUOUS_PATH) if is_ambiguous else None


def unreadable_query(scope: Scope) -> Response | None:
    """Refuses a query that is no text: NUL, or bytes that are not UTF-8, which a decoder would replace silently."""
    query: bytes = scope["query_string"]
    if b"%" not in query and query.isascii():
        return None
    for pair in query.split(b"&"):
        name, _, value = (unquote_to_bytes(part.replace(b"+", b" ")) for part in pair.partition(b"="))
        if not _is_text(name) or not _is_text(value):
            field = name.decode("ascii", "replace") or "query"
            return answer_to(
                Invalid([(field, "must be UTF-8 text without NUL, percent-encoded: %C3%A9 for é")])
            )
    return None


def _is_text(value: bytes) -> bool:
    try:
        return "\0" not in value.decode()
    except UnicodeDecodeError:
        return False


CHECKS: tuple[Callable[[Scope], Response | None], ...] = (repeated_header, ambiguous_path, unreadable_query)


class Refusals:
    """Answers a request that one of CHECKS refuses; the first refusal is the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for check in CHECKS:
                if (refusal := check(scope)) is not None:
                    await refusal(scope, receive, send)
                    return
        await self._app(scope, receive, send)


class EnterCall:
    """Hands the inbound headers and the deadline on to outbound calls."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # gRPC metadata takes printable ASCII only: a header with anything else ends here
            kept = ((k, v) for k, v in scope["headers"] if k in HANDED_ON)
            headers = ((k.decode("latin-1"), v.decode("latin-1")) for k, v in kept)
            plain = ((k, v) for k, v in headers if v.isascii() and v.isprintable())
            call_context.enter(CONVENTIONS.propagated(plain), DEADLINE)
        await self._app(scope, receive, send)


def described(scope: Scope, answer: Mapping[bytes, bytes]) -> dict[str, str]:
    """The order that a traced request was about: in its path, or just placed."""
    order_id = scope.get("path_params", {}).get("order_id") or answer.get(b"location", b"").decode()
    return {"figtree.order_id": str(order_id).rpartition("/")[2]} if order_id else {}


class HeadAsGet:
    """Answers HEAD as GET without the content (RFC 9110, 9.3.2); a stream ends after its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = asyncio.Event()

        async def without_content(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
            elif message["type"] == "http.response.body" and not answered.is_set():
                answered.set()
                await send({"type": "http.response.body", "body": b""})

        async def until_answered() -> Message:
            if answered.is_set():
                return {"type": "http.disconnect"}
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                return message
            await answered.wait()
            return {"type": "http.disconnect"}

        await self._app({**scope, "method": "GET"}, until_answered, without_content)


class BodyLimit:
    """Refuses a body that is larger than any request can be, announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > MAX_BODY:
            await respond(http_problem(413, "Content Too Large"))(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise HTTPException(413, "Content Too Large")
            return message

        await self._app(scope, limited, send)


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
