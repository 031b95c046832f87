"""The add-ons of k8s/scripts/addons: Jaeger has the traces, the Pushgateway keeps the demo's figures for Prometheus."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import httpx
from telemetry import jaeger
from telemetry.figures import Figures
from telemetry.spans import ORDER_ID, Span

from runtime.api import RuntimeFailure
from runtime.cluster.pods import SYSTEM, Pods
from runtime.cluster.ports import Ports

JAEGER, PUSHGATEWAY = "jaeger", "pushgateway"
PLACES = {  # port and label of its pods
    JAEGER: (16686, "app=jaeger"),
    PUSHGATEWAY: (9091, "app=pushgateway"),
    "prometheus": (9090, "app.kubernetes.io/name=prometheus"),
    "loki": (3100, "app.kubernetes.io/name=loki"),
}
NOTED_BY = ("gateway", "monolith")  # whose spans bear an order's id
INGRESS = f"istio-ingressgateway.{SYSTEM}"  # where every trace of a user begins


class Addons:
    """Jaeger and the Pushgateway of the cluster; the addresses of all add-ons."""

    def __init__(self, pods: Pods, ports: Ports) -> None:
        self._pods = pods
        self._ports = ports
        self._reporting = asyncio.Lock()

    async def trace(self, trace_id: str) -> list[Span]:
        """The spans of the trace in the order in which they began; none if Jaeger does not have it."""
        found = await self._ask(f"/{trace_id}")
        return found[0] if found else []

    async def traces(self, order_id: str = "", limit: int = 20) -> list[list[Span]]:
        """The newest first."""
        if order_id:
            tags = json.dumps({ORDER_ID: order_id})
            answers = await asyncio.gather(
                *(self._ask("", service=name, tags=tags, limit=limit) for name in NOTED_BY)
            )
            found = list({spans[0].trace_id: spans for answer in answers for spans in answer}.values())
        else:
            found = await self._ask("", service=INGRESS, limit=limit)
        return sorted(found, key=lambda spans: spans[0].start, reverse=True)[:limit]

    async def _ask(self, path: str, **query: str | int) -> list[list[Span]]:
        """Raw: as the spans were sent, and not moved to where a parent with another clock would have them."""
        async with self._client(JAEGER) as client:
            answer = await client.get(f"/jaeger/api/traces{path}", params={"raw": "true", **query})
        if answer.status_code == 404:
            return []
        return [jaeger.spans_of(trace) for trace in answer.raise_for_status().json()["data"] or ()]

    async def report(self, name: str, value: float, **labels: str) -> None:
        """The Pushgateway keeps what commands that come and go say; without one it is only printed."""
        with contextlib.suppress(RuntimeFailure):
            async with self._reporting, self._client(PUSHGATEWAY) as client:
                figures = Figures((await client.get("/metrics")).raise_for_status().text)
                figures.report(name, value, labels)
                (await client.post("/metrics/job/figtree", content=figures.text(name))).raise_for_status()

    async def url(self, name: str) -> str:
        """The base URL of the add-on on this machine. Raises RuntimeFailure if the cluster does not have it."""
        port, selector = PLACES[name]
        if not await self._pods.labelled(selector, SYSTEM):
            raise RuntimeFailure(f"the cluster has no {name.capitalize()}: k8s/scripts/addons brings it")
        return f"http://127.0.0.1:{await self._ports.of(name, port, selector, SYSTEM)}"

    @contextlib.asynccontextmanager
    async def _client(self, name: str) -> AsyncIterator[httpx.AsyncClient]:
        try:
            async with httpx.AsyncClient(base_url=await self.url(name), trust_env=False) as client:
                yield client
        except httpx.HTTPError as error:
            raise RuntimeFailure(f"{name.capitalize()} does not answer: {error!r}") from error
