"""What the edge says itself, and what it does to the answers of the workload behind it, whichever that is."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from localmesh import LocalRuntime
from runtime.manifests import ROOT

ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge-test}
spec:
  hosts: ["*"]
  gateways: [edge]
  http:
    - match: [{uri: {prefix: /nowhere}}]
      route: [{destination: {host: currency, port: {number: 1}}}]
    - match: [{uri: {prefix: /late}}]
      rewrite: {uri: /slow}
      timeout: 0.1s
      route: [{destination: {host: monolith, port: {number: 8080}}}]
    - match: [{uri: {prefix: /who}}, {uri: {prefix: /slow}}, {uri: {prefix: /list}}]
      route: [{destination: {host: monolith, port: {number: 8080}}}]
"""
HOST = "host: edge"
LARGE = "x-large: " + "a" * 70_000
# The request as it is sent, the status, and the problem's type and title.
PROXY_ANSWERS = [
    (("GET /none HTTP/1.1", HOST), 404, "about:blank", "Not Found"),
    (("GET /who HTTP/1.1",), 400, "about:blank", "Bad Request"),
    (("GET /who HTTP/1.1", HOST, "no colon"), 400, "about:blank", "Bad Request"),
    (("GET /who HTTP/1.0",), 426, "about:blank", "Upgrade Required"),
    (("GET /who HTTP/1.1", HOST, LARGE), 431, "about:blank", "Request Header Fields Too Large"),
    (("GET /nowhere HTTP/1.1", HOST), 503, "/problems/unavailable", "A part of the system does not answer"),
    (("GET /late HTTP/1.1", HOST), 504, "/problems/deadline-exceeded", "The answer took too long"),
]


@pytest.fixture
async def edge(mesh: LocalRuntime, tmp_path: Path) -> str:
    path = tmp_path / "route.yaml"
    path.write_text(ROUTE)
    await mesh.mesh.apply([path])
    return mesh.edge()


async def sent(edge: str, lines: tuple[str, ...]) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and content of the answer to a request that a client library would not send."""
    reader, writer = await asyncio.open_connection(*edge.removeprefix("http://").split(":"))
    try:
        writer.write("\r\n".join((*lines, "", "")).encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        return int(head[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"]))
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("lines", "status", "kind", "title"), PROXY_ANSWERS, ids=lambda value: str(value)[:40].replace("\n", " ")
)
async def test_what_a_proxy_answers_itself_is_a_problem(
    edge: str, lines: tuple[str, ...], status: int, kind: str, title: str
) -> None:
    seen, headers, content = await sent(edge, lines)
    assert (seen, headers["content-type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = json.loads(content)
    detail = problem.pop("detail")
    assert problem == {"type": kind, "title": title, "status": status, "errors": []}
    assert detail
    assert headers.get("retry-after") == ("1" if status == 503 else None)
    assert not [name for name in headers if name == "server" or name.startswith("x-envoy")]


# A file of istio/, the request that it refuses, the status, and the problem's type and title.
POLICIES = [
    ("security/edge-jwt-required.yaml", (), 403, "/problems/denied", "This is not allowed"),
    ("security/edge-jwt.yaml", ("authorization: Bearer a.b",), 401, "about:blank", "Unauthorized"),
    ("resilience/edge-rate-limit.yaml", (), 429, "/problems/overloaded", "Too many requests"),
]


@pytest.mark.parametrize(("policy", "headers", "status", "kind", "title"), POLICIES)
async def test_what_a_policy_refuses_is_a_problem(
    edge: str, mesh: LocalRuntime, policy: str, headers: tuple[str, ...], status: int, kind: str, title: str
) -> None:
    manifest = ROOT / "istio" / policy
    await mesh.mesh.apply([manifest])
    try:
        for _ in range(50):  # more than the limit lets through at once
            seen, answered, content = await sent(edge, ("GET /who HTTP/1.1", HOST, *headers))
            if seen != 200:
                break
    finally:
        await mesh.mesh.delete([manifest])
    assert (seen, answered["content-type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = json.loads(content)
    assert problem.pop("detail")
    assert problem == {"type": kind, "title": title, "status": status, "errors": []}
    assert answered.get("retry-after") == ("1" if status == 429 else None)


@pytest.mark.parametrize(
    ("name", "value"),
    [("grpc-timeout", "1n"), ("x-envoy-upstream-rq-timeout-ms", "1"), ("x-envoy-max-retries", "9")],
)
async def test_a_client_does_not_steer_the_proxy(edge: str, name: str, value: str) -> None:
    async with httpx.AsyncClient(base_url=edge, trust_env=False) as client:
        answer = await client.get("/slow", headers={name: value})
        assert answer.status_code == 200, answer.text
        echoed = (await client.get("/list", headers={name: value})).json()["headers"]
        assert name not in echoed


async def test_no_answer_names_the_proxy_or_brings_the_digest_of_other_bytes(edge: str) -> None:
    async with httpx.AsyncClient(base_url=edge, trust_env=False) as client:
        for path in ("/list", "/who", "/none"):
            headers = (await client.get(path)).headers
            assert not [
                n for n in headers if n in ("server", "via", "content-digest") or n.startswith("x-envoy")
            ], path


@pytest.mark.parametrize(
    ("accepts", "encoding"),
    [("gzip", "gzip"), ("gzip, br", "br"), ("gzip, deflate, br, zstd", "br"), ("identity", None)],
)
async def test_lists_are_compressed_for_who_accepts_it(edge: str, accepts: str, encoding: str | None) -> None:
    async with httpx.AsyncClient(base_url=edge, trust_env=False) as client:
        large = await client.send(
            client.build_request("GET", "/list", headers={"accept-encoding": accepts}), stream=True
        )
        content = b"".join([chunk async for chunk in large.aiter_raw()])
        assert large.headers.get("content-encoding") == encoding
        assert large.headers["vary"] == "Accept-Encoding"
        assert (len(content) < 1_000) == (encoding is not None)
        small = await client.get("/who", headers={"accept-encoding": accepts})
        assert "content-encoding" not in small.headers
