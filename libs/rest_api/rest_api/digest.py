"""Content-Digest (RFC 9530) on every whole answer: a mirror's answers are compared by it."""

import base64
import hashlib
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send


def with_content(send: Send, whole: Callable[[Message, Message], None]) -> Send:
    """Holds the start of an answer back until its content begins; `whole` may change both if that is all of it."""
    start: Message = {}

    async def sending(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        if start:
            if not message.get("more_body"):
                whole(start, message)
            first, start = start, {}
            await send(first)
        await send(message)

    return sending


def sha256(message: Message) -> bytes:
    """Of the content, in base64."""
    return base64.b64encode(hashlib.sha256(message.get("body", b"")).digest())


class ContentDigest:
    """Adds a digest of the content to each answer, by which mirrored answers are compared."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, with_content(send, _digest) if scope["type"] == "http" else send)


def _digest(start: Message, message: Message) -> None:
    digest = (b"content-digest", b"sha-256=:" + sha256(message) + b":")
    start["headers"] = [*start.get("headers", ()), digest]
