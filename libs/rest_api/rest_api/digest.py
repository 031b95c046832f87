"""Content-Digest (RFC 9530) on every whole answer: a mirror's answers are compared by it."""

import base64
import hashlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class ContentDigest:
    """Adds a digest of the content to each answer, by which mirrored answers are compared."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: Message = {}

        async def digesting(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start:
                if not message.get("more_body"):
                    digest = base64.b64encode(hashlib.sha256(message.get("body", b"")).digest())
                    start["headers"] = [
                        *start.get("headers", ()),
                        (b"content-digest", b"sha-256=:" + digest + b":"),
                    ]
                first, start = start, {}
                await send(first)
            await send(message)

        await self._app(scope, receive, digesting)
