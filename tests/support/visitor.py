"""One user who does everything once."""

import asyncio
import contextlib
import random
import secrets
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
from runtime.api import Runtime

CUSTOMER = "c-0001"
TRACED = "x-client-trace-id"  # Envoy samples a request that bears it, whatever the share of the others


@dataclass(frozen=True)
class Visit:
    order_id: str
    trace_id: str  # of the order


async def visit(edge: str, *, customers: bool, traced: bool = True) -> Visit:
    """`customers` are asked for where there are any."""
    trace_id = secrets.token_hex(16)
    marks = {TRACED: "visit"} if traced else {}
    async with httpx.AsyncClient(base_url=edge, headers=marks, trust_env=False, timeout=10) as client:
        titles = random.sample((await get(client, "/api/titles?page_size=100"))["titles"], 2)
        await get(client, "/api/rates")
        lines = [{"title_id": title["id"], "quantity": 3} for title in titles]
        basket: dict[str, Any] = {"currency": "USD", "lines": lines}
        (await client.post("/api/quotes", json=basket)).raise_for_status()
        # existing titles are known to pricing after a while, and then it asks nobody for them
        nowhere = {"title_id": f"t-{secrets.token_hex(8)}", "quantity": 1}
        await client.post("/api/quotes", json={"currency": "USD", "lines": [nowhere]})
        await get(client, f"/api/orders?customer_id={CUSTOMER}")
        if customers:
            await client.get(f"/api/customers/{CUSTOMER}")
        headers = {
            "Idempotency-Key": f"visit-{uuid.uuid4()}",
            "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01",
        }
        answer = await client.post("/api/orders", json=basket | {"customer_id": CUSTOMER}, headers=headers)
        return Visit(answer.raise_for_status().json()["id"], trace_id)


async def get(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    content: dict[str, Any] = (await client.get(path)).raise_for_status().json()
    return content


@contextlib.asynccontextmanager
async def somebody_about(runtime: Runtime) -> AsyncIterator[None]:
    """Orders, quotes and searches all the time, and now and then a basket that nobody can price."""

    async def come_and_go() -> None:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                await visit(runtime.edge(), customers=True, traced=False)
                async with httpx.AsyncClient(base_url=runtime.edge(), trust_env=False) as client:
                    await client.post("/api/quotes", json={"currency": "XXX", "lines": []})
            await asyncio.sleep(0.25)

    task = asyncio.create_task(come_and_go())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
