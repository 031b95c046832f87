"""The network is secure; topology does not change; there is one administrator."""

import asyncio
import tempfile
from pathlib import Path

from figtree.order.v1 import order_pb2 as pb
from figtree.order.v1.order_pb2_grpc import OrderServiceStub
from grpc import StatusCode, aio
from runtime.calls import channel
from strangler.drift import Drift, drifts, heal

from scenes.engine import plaintext
from scenes.engine.stage import Stage
from scenes.engine.users import asking
from scenes.groups.routing import QUOTE
from scenes.groups.security.mtls import STRICT

LIST = "/figtree.order.v1.OrderService/ListOrders"
ORDERS_POLICY = "security/order-callers.yaml"
EVERYTHING = pb.ListOrdersRequest(page_size=100)


async def secure(stage: Stage) -> None:
    """What a stranger gets to see of other people's orders, and what a service that has no business with them."""
    order = {
        "customer_id": "scene-secret",
        "currency": "EUR",
        "lines": [{"title_id": "t-000001", "quantity": 1}],
    }
    await stage.client.post("/api/orders", json=order, headers={"idempotency-key": "scene-secret"})
    address = await stage.runtime.workloads.address("order")

    async def overheard() -> int:
        answer = await plaintext.answers(address, LIST, EVERYTHING.SerializeToString())
        return len(pb.ListOrdersResponse.FromString(answer.content[5:]).orders) if answer is not None else 0

    async def read_by_title() -> tuple[int, StatusCode]:
        async with channel(stage.runtime, "title", "order") as opened:
            stub = OrderServiceStub(opened)
            try:
                return len((await stub.ListOrders(EVERYTHING, timeout=5)).orders), StatusCode.OK
            except aio.AioRpcError as error:
                return 0, StatusCode(error.code())

    await stage.runtime.mesh.delete([stage.file(STRICT)])
    unmeshed, (insider, _) = await overheard(), await read_by_title()
    stage.expect(unmeshed > 0, f"unprotected, a stranger reads {unmeshed} orders in plaintext")
    stage.expect(insider > 0, f"unprotected, the title service reads {insider} orders")
    await stage.apply(STRICT, ORDERS_POLICY)
    unmeshed_now, (insider_now, status) = await overheard(), await read_by_title()
    stage.figure("orders a stranger reads, before and after", f"{unmeshed} → {unmeshed_now}", "orders")
    stage.figure("orders the title service reads, before and after", f"{insider} → {insider_now}", "orders")
    stage.expect(unmeshed_now == 0, f"with certificates required, a stranger reads {unmeshed_now}")
    stage.expect(
        insider_now == 0 and status is StatusCode.PERMISSION_DENIED,
        f"with a policy, the title service is told {status.name}",
    )
    listed = await stage.client.get("/api/orders")
    stage.expect(listed.status_code == 200, f"the gateway still reads them: {listed.status_code}")


async def topology(stage: Stage) -> None:
    """An instance goes and another one comes somewhere else while users go on asking."""

    async def instances() -> dict[str, tuple[str, str, int]]:
        return {w.name: (w.ip, w.instance, w.restarts) for w in await stage.runtime.workloads.statuses()}

    before = await instances()
    async with asking(stage, [QUOTE["json"]]) as users:
        await asyncio.sleep(0.5)
        await stage.cause(
            "move pricing to another address", lambda: stage.runtime.workloads.restart("pricing")
        )
        await asyncio.sleep(0.5)
    after = await instances()
    old, new = before["pricing"][0], after["pricing"][0]
    stage.figure("address of pricing", f"{old} → {new}")
    stage.figure("requests of users meanwhile", len(users.answers), "requests")
    stage.figure("of them failed", users.failed(), "requests")
    stage.expect(old != new, f"pricing was at {old} and is at {new}")
    stage.expect(users.failed() == 0, f"{users.failed()} of {len(users.answers)} requests fail")
    restarted = [name for name in ("gateway", "order") if before[name] != after[name]]
    stage.expect(not restarted, f"{len(restarted)} of its callers were told or restarted")


async def administrator(stage: Stage) -> None:
    """Somebody changes things by hand; the declaration in the repository says what it was meant to be."""
    stage.expect(not await drifts(stage.runtime), "at first nothing differs from what is declared")
    with tempfile.TemporaryDirectory(prefix="figtree-scene-") as folder:
        edited = Path(folder) / "somebodys-edit.yaml"
        route = stage.file("traffic/edge-title-100.yaml").read_text()
        edited.write_text(route.replace("- route:", "- timeout: 1s\n      route:"))

        async def by_hand() -> None:
            await stage.runtime.mesh.apply([edited, stage.file("traffic/pricing-subsets.yaml")])
            await stage.runtime.mesh.delete([stage.file(STRICT)])
            await stage.runtime.workloads.scale("title", 2)

        await stage.cause("change a route, add a rule, remove a policy and start a replica by hand", by_hand)
        found = await drifts(stage.runtime)
        for drift in found:
            stage.figure("drift", drift)
        await heal(stage.runtime, found)
        left = await drifts(stage.runtime)
    stage.figure("differences found", len(found))
    stage.figure("differences after healing", len(left))
    stage.expect(len(found) == 4, f"{len(found)} differences are found where 4 things were changed by hand")
    stage.expect(not left, f"{len(left)} differences are left after `figtree diff --heal`{_describe(left)}")


def _describe(drifts: list[Drift]) -> str:
    return "".join(f"; {drift}" for drift in drifts)
