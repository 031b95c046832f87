"""Orders as a user places, lists and watches them."""

import asyncio
import uuid
from typing import Any

import httpx

LINES = [{"title_id": "t-000001", "quantity": 1}]


def newcomer(purpose: str) -> str:
    """A customer that nobody else orders for."""
    return f"{purpose}-{uuid.uuid4().hex[:12]}"


async def place(client: httpx.AsyncClient, customer: str, key: str) -> httpx.Response:
    order = {"customer_id": customer, "currency": "EUR", "lines": LINES}
    return await client.post("/api/orders", json=order, headers={"Idempotency-Key": key})


async def placed(client: httpx.AsyncClient, customer: str, count: int) -> list[str]:
    """Place so many orders at once; the ids of those that were accepted."""
    answers = await asyncio.gather(*(place(client, customer, f"key-{n}") for n in range(count)))
    return [answer.json()["id"] for answer in answers if answer.is_success]


async def stored(client: httpx.AsyncClient, customer: str) -> list[dict[str, Any]]:
    """All orders of the customer."""
    orders: list[dict[str, Any]] = []
    token = ""
    while True:
        parameters: dict[str, str | int] = {"customer_id": customer, "page_size": 100, "page_token": token}
        page = (await client.get("/api/orders", params=parameters)).raise_for_status().json()
        orders += page["orders"]
        if not (token := page["next_page_token"]):
            return orders


async def shipped(client: httpx.AsyncClient, customer: str) -> int:
    return sum(order["status"] == "shipped" for order in await stored(client, customer))


async def watched(client: httpx.AsyncClient, order_id: str, patience: float = 15.0) -> list[int]:
    """The sequence numbers that the order's stream of events shows, until it ends with `shipped`."""
    seen: list[int] = []
    try:
        async with (
            asyncio.timeout(patience),
            client.stream("GET", f"/api/orders/{order_id}/events") as stream,
        ):
            async for line in stream.aiter_lines():
                if line.startswith("id:"):
                    seen.append(int(line.removeprefix("id:")))
    except (TimeoutError, httpx.HTTPError):
        seen.append(-1)  # cut off
    return seen


async def histories(client: httpx.AsyncClient, ids: list[str]) -> list[list[int]]:
    return await asyncio.gather(*(watched(client, order_id) for order_id in ids))
