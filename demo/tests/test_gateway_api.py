"""Routes of the Gateway API on real istiod and Envoy, around stand-ins."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from localmesh import LocalRuntime
from runtime.api import Refused
from runtime.manifests import ROOT

GATEWAY = ROOT / "istio" / "gateway-api" / "gateway.yaml"
HOST = "gateway-api.figtree.example"
NAME = "HTTPRoute/figtree/edge-route"
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: edge-route}}
spec:
  parentRefs: [{{name: edge, namespace: istio-system}}]
  rules:
    - backendRefs: [{{name: monolith, port: 8080}}]
      filters:
        - {{type: ResponseHeaderModifier, responseHeaderModifier: {{set: [{{name: x-mark, value: "{mark}"}}]}}}}
"""


def write(route: Path, mark: str, old: str = "", new: str = "") -> None:
    route.write_text(ROUTE.format(mark=mark).replace(old, new))


async def mark(runtime: LocalRuntime, host: str = HOST) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(runtime.edge() + "/who", headers={"host": host})
    return str(answer.headers.get("x-mark", ""))


@pytest.fixture
async def route(mesh: LocalRuntime, tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "route.yaml"
    write(path, "one")
    await mesh.mesh.apply([GATEWAY])
    yield path
    await mesh.mesh.delete([path, GATEWAY])


async def test_a_route_is_in_effect_when_apply_returns_and_out_of_it_when_delete_does(
    mesh: LocalRuntime, route: Path
) -> None:
    for _ in range(5):
        await mesh.mesh.apply([route])
        assert await mark(mesh) == "one"
        assert await mark(mesh, "elsewhere.example") == "", "the Gateway's host only"
        await mesh.mesh.delete([route])
        assert await mark(mesh) == ""


async def test_what_is_in_force_is_the_route_and_nothing_that_istiod_makes_of_it(
    mesh: LocalRuntime, route: Path
) -> None:
    before = (await mesh.mesh.in_force()).keys()
    await mesh.mesh.apply([route])
    assert (await mesh.mesh.in_force()).keys() - before == {NAME}
    assert (await mesh.mesh.applied())[NAME] == route


async def test_a_field_that_the_definition_does_not_know_is_refused(mesh: LocalRuntime, route: Path) -> None:
    write(route, "one", "backendRefs", "backends")
    with pytest.raises(Refused, match=r"HTTPRoute edge-route: spec\.rules\.0: .*'backends' was unexpected"):
        await mesh.mesh.apply([route])


async def test_a_kind_that_is_not_served_is_refused_with_those_that_are(
    mesh: LocalRuntime, route: Path
) -> None:
    write(route, "one", "HTTPRoute", "TCPRoute")
    with pytest.raises(
        Refused, match="the local mesh serves Gateway, GRPCRoute, HTTPRoute of the Gateway API"
    ):
        await mesh.mesh.apply([route])


async def test_an_istiod_that_starts_again_finds_the_route_and_its_edits(
    mesh: LocalRuntime, route: Path
) -> None:
    await mesh.mesh.apply([route])
    await mesh.faults.kill("istiod", "app")
    write(route, "two")
    begun = time.monotonic()
    while await mark(mesh) != "two":
        assert time.monotonic() - begun < 15, "the edit did not take effect in time"
        await asyncio.sleep(0.05)
