"""What a client has already is not sent again (RFC 9110, 13)."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rest_api.digest import sha256, with_content

SHARED = ("/api/titles", "/api/rates", "/api/convert")  # the same for everybody


class Validators:
    """ETag on what GET has found, and 304 for a client that names it.

    An answer may be kept but has to be asked for again, so that what was written is what is read. The tag is a weak
    one, as the edge may compress the content: Envoy takes a strong one away then.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        control = b"no-cache" if scope["path"].startswith(SHARED) else b"private, no-cache"

        def validate(start: Message, message: Message) -> None:
            if start["status"] != 200:
                return
            tag = b'"' + sha256(message)[:22] + b'"'
            headers = [*start.get("headers", ()), (b"etag", b"W/" + tag), (b"cache-control", control)]
            if _named(scope["headers"], tag):
                start["status"], message["body"] = 304, b""
                headers = [one for one in headers if not one[0].startswith(b"content-")]
            start["headers"] = headers

        await self._app(scope, receive, with_content(send, validate))


def _named(headers: Sequence[tuple[bytes, bytes]], tag: bytes) -> bool:
    """Whether If-None-Match names the tag, weak or strong, or any."""
    named = (one.strip() for name, value in headers if name == b"if-none-match" for one in value.split(b","))
    return any(one.removeprefix(b"W/") == tag or one == b"*" for one in named)
