"""Who may ask for what: only the page itself, opened at its own loopback address by who was told its key."""

import hmac
import re
from collections.abc import Iterable, Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "x-figtree-token"  # noqa: S105
PUBLIC = "/assets/"
SAFE = frozenset({"GET", "HEAD"})
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
OUR_NAMES = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?")


class Guard:
    """Refuses foreign hosts (a name that was rebound to loopback), foreign origins, and who does not know the key.

    The page's address has the key, a cookie of the browser keeps it; what acts sends it in a header as well.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope)
        if (answer := self._refusal(request) or self._welcome(request)) is not None:
            await answer(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, with_headers)

    def _welcome(self, request: Request) -> Response | None:
        """The address with the key becomes the one without, which can be shown to others."""
        if "key" not in request.query_params or request.url.path != "/":
            return None
        answer = RedirectResponse("/", 303, HEADERS)
        answer.set_cookie(_cookie(request), self._key, httponly=True, samesite="lax")
        return answer

    def _refusal(self, request: Request) -> Response | None:
        why = self._why_not(request)
        return PlainTextResponse(why + "\n", 403, headers=HEADERS) if why else None

    def _why_not(self, request: Request) -> str:
        host = request.headers.get("host", "")
        if not OUR_NAMES.fullmatch(host):
            return "this page answers at its loopback address only"
        if request.url.path.startswith(PUBLIC):
            return ""
        keys = (request.cookies.get(_cookie(request), ""), request.query_params.get("key", ""))
        if not any(self._is_key(given) for given in keys):
            return "this page is for who started the system: open the address that `figtree page` prints"
        if request.method in SAFE:
            return ""
        if request.headers.get("origin", "") not in ("", f"http://{host}"):
            return "only the page itself may do this"
        if not self._is_key(request.headers.get(TOKEN_HEADER, "")):
            return "the page was opened before the system was started anew: load it again"
        return ""

    def _is_key(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._key.encode())


def _cookie(request: Request) -> str:
    """One for each port: cookies are shared by all ports of a host."""
    return f"figtree-{request.url.port or 80}"


def only(headers: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Those of the headers that are passed on."""
    return {name: headers[name] for name in names if name in headers}
