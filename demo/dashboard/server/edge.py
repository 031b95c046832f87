"""The system's own edge under the page's address, so that one address suffices; streams pass through as they come."""

from collections.abc import AsyncIterator

import httpx
from runtime.api import Runtime
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from dashboard.server.guard import only

REQUEST = (
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "last-event-id",
    "traceparent",
    "tracestate",
    "x-client-trace-id",
    "x-environment",
    "x-user",
)
ANSWER = ("content-type", "location", "retry-after", "cache-control", "x-served-by", "figtree-degraded")
BODY_LIMIT = 1_000_000
SILENCE = 120.0  # seconds without a byte from the edge, which sends one every 15 s on a stream


class Edge:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._client = httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(30, read=SILENCE))

    async def pass_on(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > BODY_LIMIT:
            return _problem(413, "The body is too large")
        url = httpx.URL(self._runtime.edge()).copy_with(
            raw_path=request.url.path.encode()
            + (f"?{request.url.query}".encode() if request.url.query else b"")
        )
        forwarded = self._client.build_request(
            request.method, url, headers=only(request.headers, REQUEST), content=body or None
        )
        try:
            answer = await self._client.send(forwarded, stream=True)
        except httpx.HTTPError as error:
            return _problem(502, f"the edge does not answer: {type(error).__name__}")
        headers = only(answer.headers, ANSWER)
        if "text/event-stream" in headers.get("content-type", ""):
            return StreamingResponse(_chunks(answer), answer.status_code, headers)
        try:
            content = await answer.aread()
        except httpx.HTTPError as error:
            return _problem(502, f"the answer broke off: {type(error).__name__}")
        finally:
            await answer.aclose()
        return Response(content, answer.status_code, headers)

    async def quote(self, basket: object) -> httpx.Response:
        return await self._client.post(f"{self._runtime.edge()}/api/quotes", json=basket)

    async def close(self) -> None:
        await self._client.aclose()


async def _chunks(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()


def _problem(status: int, title: str) -> Response:
    content = {"type": "about:blank", "title": title, "status": status, "detail": title}
    return JSONResponse(content, status, media_type="application/problem+json")
