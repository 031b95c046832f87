"""The add-ons of k8s/scripts/addons: Jaeger has the traces, the Pushgateway keeps the demo's figures for Prometheus.

They are asked through the API server, which reaches every Service.
"""

import asyncio
import contextlib
import json

import httpx

from demo.runtimes.cluster.api import Api, NotThere
from demo.runtimes.cluster.pods import SYSTEM
from demo.runtimes.runtime import RuntimeFailure
from demo.telemetry import jaeger
from demo.telemetry.figures import Figures
from demo.telemetry.spans import ORDER_ID, Span

SERVICES = f"/api/v1/namespaces/{SYSTEM}/services"
JAEGER, QUERY = f"{SERVICES}/tracing", f"{SERVICES}/tracing:http-query/proxy/jaeger/api/traces"
GATEWAY = f"{SERVICES}/pushgateway:http/proxy/metrics"
NO_JAEGER = "the cluster has no Jaeger: k8s/scripts/addons brings it"
EDGES = ("gateway", "monolith")  # who notes an order's id in a span
INGRESS = f"istio-ingressgateway.{SYSTEM}"  # where every trace of a user begins


class Addons:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._reporting = asyncio.Lock()

    async def trace(self, trace_id: str) -> list[Span]:
        found = await self._ask(f"/{trace_id}")
        return found[0] if found else []

    async def traces(self, order_id: str, limit: int) -> list[list[Span]]:
        """The newest first."""
        if order_id:
            tags = json.dumps({ORDER_ID: order_id})
            asked = await asyncio.gather(
                *(self._ask("", service=name, tags=tags, limit=limit) for name in EDGES)
            )
            found = list({spans[0].trace_id: spans for answer in asked for spans in answer}.values())
        else:
            found = await self._ask("", service=INGRESS, limit=limit)
        return sorted(found, key=lambda spans: spans[0].start, reverse=True)[:limit]

    async def _ask(self, path: str, **query: str | int) -> list[list[Span]]:
        """Raw: as the spans were sent, and not moved to where a parent with another clock would have them."""
        try:
            answer = await self._api.get(QUERY + path, raw="true", **query)
        except NotThere:
            if await self._api.find(JAEGER):
                return []
            raise RuntimeFailure(NO_JAEGER) from None
        return [jaeger.spans_of(trace) for trace in answer["data"] or () if trace["spans"]]

    async def report(self, name: str, value: float, labels: dict[str, str]) -> None:
        """The Pushgateway keeps figures of commands that come and go; without one they are only printed."""
        with contextlib.suppress(RuntimeFailure, httpx.HTTPError):
            async with self._reporting:
                figures = Figures((await self._api.request("GET", GATEWAY)).text)
                figures.report(name, value, labels)
                await self._api.request("POST", f"{GATEWAY}/job/figtree", content=figures.text(name))
