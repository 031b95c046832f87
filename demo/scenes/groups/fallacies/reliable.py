"""The network is reliable. It is not: what fails is repeated, and what can wait is queued."""

import uuid
from collections.abc import Sequence

from figtree.pricing.v1 import pricing_pb2 as pb
from figtree.pricing.v1.pricing_pb2_grpc import PricingServiceStub
from runtime.calls import Calls, channel, many, outbound

from scenes.engine.stage import Stage

FLAKY = "chaos/pricing-unavailable-30.yaml"
NONE, RETRIES = "resilience/pricing-no-retries.yaml", "resilience/pricing-retries.yaml"
CALLER = "customer"  # it calls nobody on its own, so that its sidecar counts our calls only
BASKET = pb.Basket(currency_code="EUR", lines=[pb.Line(title_id="t-000001", quantity=3)])
ORDERS = 10


async def quotes(
    stage: Stage, count: int, options: Sequence[tuple[str, object]] = (), concurrency: int = 8
) -> Calls:
    async with channel(stage.runtime, CALLER, "pricing", options) as opened:
        stub = PricingServiceStub(opened)
        return await many(count, lambda: stub.Quote(pb.QuoteRequest(basket=BASKET), timeout=10), concurrency)


async def reliable(stage: Stage) -> None:
    await stage.prepare(NONE, FLAKY)
    hurt = await quotes(stage, 200)
    stage.figure("failed without retries", f"{hurt.failed} of {hurt.count}", "calls")
    # Of 200 calls that fail with 30 % each, fewer than 33 or more than 90 fail once in 50,000 runs.
    stage.expect(33 <= hurt.failed <= 90, f"without retries {hurt.failed} of {hurt.count} calls fail")
    await stage.apply(RETRIES)
    repeated = outbound("pricing", "upstream_rq_retry")
    async with stage.counting(CALLER, repeated) as grown:
        cured = await quotes(stage, 200)
    stage.figure("failed with 3 retries", f"{cured.failed} of {cured.count}", "calls")
    stage.figure("repeated by the mesh", round(grown[repeated]), "calls")
    # Four failures in a row have odds of 0.8 %: more than 9 of 200 happen once in 100,000 runs.
    stage.expect(cured.failed <= 9, f"with 3 retries {cured.failed} of {cured.count} calls fail")
    stage.expect(grown[repeated] >= 33, f"the sidecar has repeated {grown[repeated]:.0f} calls")
    await stage.runtime.mesh.delete([stage.file(FLAKY)])
    await _queue(stage)


async def _queue(stage: Stage) -> None:
    """Nobody waits for fulfilment: while the way to it is cut, orders are taken, and their events follow later."""
    await stage.runtime.faults.stop_infrastructure("nats")
    stage.undo.append(lambda: stage.runtime.faults.start_infrastructure("nats"))
    order = {"currency": "EUR", "lines": [{"title_id": "t-000001", "quantity": 1}]}
    placed = []
    for _ in range(ORDERS):
        key = {"idempotency-key": f"scene-{uuid.uuid4()}"}
        answer = await stage.client.post(
            "/api/orders", json=order | {"customer_id": "scene-queue"}, headers=key
        )
        placed.append(answer)
    taken = [answer.json()["id"] for answer in placed if answer.status_code == 201]
    stage.figure("orders taken while the queue is away", f"{len(taken)} of {ORDERS}", "orders")
    stage.expect(len(taken) == ORDERS, f"{len(taken)} of {ORDERS} orders are taken while NATS is away")
    await stage.runtime.faults.start_infrastructure("nats")

    async def shipped() -> bool:
        answers = [await stage.client.get(f"/api/orders/{order_id}") for order_id in taken]
        return all(answer.json()["status"] == "shipped" for answer in answers)

    await stage.eventually(f"all {ORDERS} orders are shipped once NATS is back", shipped, 30)
    stage.figure("shipped once it is back", f"{len(taken)} of {ORDERS}", "orders")
