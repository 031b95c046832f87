"""Every order that a scene's user got an answer for, and the proof that each of them is stored once."""

import asyncio
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
from runtime.api import Runtime
from strangler.database import connected

PATHS = ("/api/orders", "/api/orders/bulk")
PATIENCE = 20.0  # seconds until the last order must have been shipped
BROKEN = """
select count(*) from orders o where
  (select sum(total) from order_lines l where l.order_id = o.id) is distinct from o.total and o.discount_percent = 0
  or (select array_agg(sequence order by sequence) from order_events e where e.order_id = o.id)
    is distinct from '{1,2,3}'
"""


@dataclass(frozen=True, slots=True)
class Proof:
    orders: int
    lost: int
    doubled: int  # keys that were answered with more than one order
    different: int  # stored with another total than answered
    broken: int  # stored without lines that add up, or without the events 1, 2, 3

    @property
    def holds(self) -> bool:
        return not (self.lost or self.doubled or self.different or self.broken)


@dataclass(slots=True)
class Acknowledged:
    totals: dict[str, Decimal] = field(default_factory=dict)  # by id
    ids: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # by customer and key

    async def see(self, response: httpx.Response) -> None:
        """A hook for httpx: remember what was answered."""
        request = response.request
        if request.method != "POST" or request.url.path not in PATHS or not response.is_success:
            return
        answer = json.loads(await response.aread())
        if "results" in answer:
            for result in answer["results"]:
                if result["order"]:
                    self._add(result["idempotency_key"], result["order"])
        else:
            self._add(request.headers["idempotency-key"], answer)

    def _add(self, key: str, order: dict[str, Any]) -> None:
        self.totals[order["id"]] = Decimal(order["total"])
        self.ids.setdefault((order["customer_id"], key), set()).add(order["id"])

    async def prove(self, runtime: Runtime, database: str) -> Proof:
        """Compare with what that database stores, once everything has been shipped or PATIENCE is over."""
        async with connected(runtime, database) as db:
            for _ in range(int(PATIENCE / 0.5)):
                if not await db.fetchval("select count(*) from orders where status <> 'shipped'"):
                    break
                await asyncio.sleep(0.5)
            rows = await db.fetch(
                "select id::text, total from orders where id = any($1::uuid[])", list(self.totals)
            )
            broken = await db.fetchval(BROKEN)
        stored = {row["id"]: row["total"] for row in rows}
        return Proof(
            orders=len(self.totals),
            lost=len(self.totals.keys() - stored.keys()),
            doubled=sum(len(ids) > 1 for ids in self.ids.values()),
            different=sum(self.totals[order_id] != total for order_id, total in stored.items()),
            broken=broken,
        )
