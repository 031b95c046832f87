"""Transport cost is zero. It is not: each order costs CPU and bytes, and the protocol decides how many."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from figtree.order.v1 import order_pb2 as pb
from figtree.order.v1.order_pb2_grpc import OrderServiceStub
from runtime.calls import channel, many, outbound
from strangler.database import connected

from scenes.engine.stage import Stage
from scenes.groups.fallacies.reliable import CALLER

ORDERS = 100
CUSTOMER = "scene-cost"
EDGE = "outbound|8080||gateway.figtree.svc.cluster.local;.upstream_cx_{}_bytes_total"


@dataclass(frozen=True, slots=True)
class Cost:
    bytes: float  # for one order, both ways
    cpu: float  # milliseconds for one order, of all services and sidecars


async def _measure(
    stage: Stage, place: Callable[[], Awaitable[None]], where: str, counters: tuple[str, str]
) -> Cost:
    before = sum((await stage.runtime.telemetry.cpu()).values())
    async with stage.counting(where, *counters) as grown:
        await place()
        await stage.eventually("everything is shipped", lambda: _is_shipped(stage), 20)
    used = sum((await stage.runtime.telemetry.cpu()).values()) - before
    return Cost(sum(grown.values()) / ORDERS, 1000 * used / ORDERS)


async def _is_shipped(stage: Stage) -> bool:
    """What an order costs includes its fulfilment."""
    async with connected(stage.runtime, "order") as db:
        return not await db.fetchval("select count(*) from orders where status <> 'shipped'")


def _request(kind: Any) -> Any:
    lines = [pb.Line(title_id="t-000001", quantity=1), pb.Line(title_id="t-000002", quantity=2)]
    order = pb.NewOrder(customer_id=CUSTOMER, currency_code="EUR", lines=lines)
    return kind(idempotency_key=f"scene-{uuid.uuid4()}", order=order)


async def _in_json(stage: Stage) -> None:
    lines = [{"title_id": "t-000001", "quantity": 1}, {"title_id": "t-000002", "quantity": 2}]
    body = {"customer_id": CUSTOMER, "currency": "EUR", "lines": lines}

    placed = 0
    for _ in range(ORDERS):  # one after the other, or the edge would make batches of them
        key = {"idempotency-key": f"scene-{uuid.uuid4()}"}
        placed += (await stage.client.post("/api/orders", json=body, headers=key)).status_code == 201
    stage.expect(placed == ORDERS, f"{placed} of {ORDERS} orders are placed in JSON")


async def cost(stage: Stage) -> None:
    costs: dict[str, Cost] = {}
    async with channel(stage.runtime, CALLER, "order") as opened:
        stub = OrderServiceStub(opened)

        async def one_by_one() -> None:
            done = await many(ORDERS, lambda: stub.PlaceOrder(_request(pb.PlaceOrderRequest), timeout=10), 1)
            stage.expect(
                done.failed == 0, f"{done.count - done.failed} of {ORDERS} orders are placed by gRPC"
            )

        async def in_bulk() -> None:
            async def requests() -> AsyncIterator[Any]:
                for _ in range(ORDERS):
                    yield _request(pb.PlaceOrdersRequest)

            answer = await stub.PlaceOrders(requests(), timeout=20)
            placed = sum(result.HasField("order") for result in answer.results)
            stage.expect(placed == ORDERS, f"{placed} of {ORDERS} orders are placed by one stream")

        grpc = (
            outbound("order", "upstream_cx_tx_bytes_total"),
            outbound("order", "upstream_cx_rx_bytes_total"),
        )
        costs["JSON over HTTP"] = await _measure(
            stage, lambda: _in_json(stage), "ingress", (EDGE.format("tx"), EDGE.format("rx"))
        )
        for name, place in (("gRPC, a call each", one_by_one), ("gRPC, one stream", in_bulk)):

            async def act(name: str = name, place: Callable[[], Awaitable[None]] = place) -> None:
                costs[name] = await _measure(stage, place, CALLER, grpc)

            await stage.cause(f"place {ORDERS} orders by {name}", act)
    for name, figures in costs.items():
        stage.figure(name, round(figures.bytes), "bytes per order")
        stage.figure(name, figures.cpu, "ms of CPU per order")
    stage.expect(len(costs) == 3, f"{len(costs)} of 3 ways to place an order are measured")
    json, single, bulk = costs.values()
    stage.expect(
        json.bytes > 2 * single.bytes, f"JSON takes {json.bytes / single.bytes:.1f} times the bytes of gRPC"
    )
    stage.expect(json.cpu > single.cpu, f"JSON takes {json.cpu / single.cpu:.1f} times the CPU of gRPC")
    stage.expect(json.cpu > 2 * bulk.cpu, f"JSON takes {json.cpu / bulk.cpu:.1f} times the CPU of one stream")
