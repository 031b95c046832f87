"""Is a workload there: asked on its own socket, and through its sidecar with a certificate of the mesh."""

import ssl

import httpx
from runtime.manifests import Manifest

HEALTH_CHECK = "/grpc.health.v1.Health/Check"
EMPTY_MESSAGE = b"\0\0\0\0\0"
SERVING = b"\0\0\0\0\x02\x08\x01"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # a client's own context costs 15 ms of CPU
GRPC = {"content-type": "application/grpc", "te": "trailers"}


async def _asks(manifest: Manifest, client: httpx.AsyncClient) -> httpx.Response | None:
    try:
        if manifest.health_path:
            return await client.get(manifest.health_path)
        return await client.post(HEALTH_CHECK, headers=GRPC, content=EMPTY_MESSAGE)
    except (httpx.TransportError, ssl.SSLError):
        return None


def _is_well(manifest: Manifest, answer: httpx.Response) -> bool:
    return answer.status_code == 200 and (bool(manifest.health_path) or answer.content == SERVING)


async def serves(manifest: Manifest, listen: str, limit: float = 2.0) -> bool:
    """Asked directly, at host:port or unix:/path; `limit` is in seconds."""
    grpc = not manifest.health_path
    path = listen.removeprefix("unix:") if listen.startswith("unix:") else None
    transport = httpx.AsyncHTTPTransport(uds=path, http1=not grpc, http2=grpc, verify=NO_TLS)
    base = "http://localhost" if path else f"http://{listen}"
    async with httpx.AsyncClient(transport=transport, base_url=base, timeout=limit) as client:
        answer = await _asks(manifest, client)
        return answer is not None and _is_well(manifest, answer)


async def serves_through_proxy(manifest: Manifest, address: str, context: ssl.SSLContext) -> bool:
    """Over mutual TLS. A refusal by an AuthorizationPolicy is an answer of the sidecar too."""
    grpc = not manifest.health_path
    transport = httpx.AsyncHTTPTransport(verify=context, http1=not grpc, http2=grpc)
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{address}", timeout=2) as client:
        answer = await _asks(manifest, client)
        if answer is None:
            return False
        return (
            _is_well(manifest, answer)
            or answer.status_code == 403
            or answer.headers.get("grpc-status") == "7"
        )
