"""Orders as a user places, lists and watches them."""

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from scenes.engine.stage import Stage

LINES = [{"title_id": "t-000001", "quantity": 1}]


def newcomer(purpose: str) -> str:
    """A customer that nobody else orders for."""
    return f"{purpose}-{uuid.uuid4().hex[:12]}"


async def place(client: httpx.AsyncClient, customer: str, key: str, **request: Any) -> httpx.Response:
    order = {"customer_id": customer, "currency": "EUR", "lines": LINES}
    return await client.post("/api/orders", json=order, headers={"Idempotency-Key": key}, **request)


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


@dataclass(slots=True)
class Shopper:
    """A customer who places one order after the other, and repeats one that was not accepted, with the same key."""

    stage: Stage
    name: str
    accepted: dict[str, str] = field(default_factory=dict)  # the order's id, by key
    tried: set[str] = field(default_factory=set)
    _open: list[str] = field(default_factory=list)

    async def order(self, **request: Any) -> httpx.Response:
        key = self._open.pop() if self._open else f"key-{len(self.tried)}"
        self.tried.add(key)
        try:
            answer = await place(self.stage.client, self.name, key, **request)
            if answer.is_success:
                self.accepted[key] = answer.json()["id"]
        finally:
            if key not in self.accepted:
                self._open.append(key)
        return answer

    async def expect_each_once(self) -> None:
        """Repeat what is still open; then each order that was tried is stored, once."""
        kept = {order["id"] for order in await stored(self.stage.client, self.name)}
        lost = set(self.accepted.values()) - kept
        self.stage.expect(not lost, f"{len(lost)} of {len(self.accepted)} accepted orders are lost")
        for key in self._open:
            answer = await place(self.stage.client, self.name, key)
            self.stage.expect(
                answer.is_success, f"an order that was refused is repeated: {answer.status_code}"
            )
        total, tried = len(await stored(self.stage.client, self.name)), len(self.tried)
        self.stage.figure("orders stored", f"{total} of {tried}")
        self.stage.expect(total == tried, f"{tried} orders, some sent twice with one key, are {total} orders")
