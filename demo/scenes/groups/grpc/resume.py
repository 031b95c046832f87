"""A stream that outlives the process at its other end."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from figtree.order.v1 import order_pb2
from figtree.order.v1.order_pb2_grpc import OrderServiceStub
from grpc import StatusCode, aio
from runtime.calls import channel

from scenes.engine.result import NotSeen
from scenes.engine.stage import Stage
from scenes.groups.routing.quotes import QUOTE

# So that the order is under way for long, and an old process does not wait until its streams end by themselves.
SLOW = {"FULFILMENT_DELAY": "60", "GRACE": "0.2"}
PATIENCE = 10.0  # seconds for the events before the update, and for those after it
GOES_ON = (StatusCode.UNAVAILABLE, StatusCode.CANCELLED)


@dataclass(slots=True)
class Watch:
    sequences: list[int] = field(default_factory=list)
    cuts: list[str] = field(default_factory=list)
    longest: float = 0.0  # seconds from a cut to the next event
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self, stub: Any, order_id: str) -> None:
        """All events until the last; a stream that is cut is opened again behind the last event that came."""
        cut = 0.0
        while True:
            last = self.sequences[-1] if self.sequences else 0
            request = order_pb2.WatchOrderRequest(order_id=order_id, after_sequence=last)
            try:
                async for event in stub.WatchOrder(request):
                    self.sequences.append(event.sequence)
                    self.begun.set()
                    self.longest = max(self.longest, time.monotonic() - cut if cut else 0.0)
                    cut = 0.0
                return
            except aio.AioRpcError as error:
                if error.code() not in GOES_ON:
                    raise
                self.cuts.append(error.code().name)
                cut = cut or time.monotonic()
                await asyncio.sleep(0.05)


async def resume(stage: Stage) -> None:
    await stage.runtime.workloads.restart("order", env=SLOW)
    updated = False

    async def update() -> None:
        nonlocal updated
        await stage.runtime.workloads.restart("order", env={})
        updated = True

    async def put_back() -> None:
        if not updated:
            await stage.runtime.workloads.restart("order", env={})

    stage.undo.append(put_back)
    async with channel(stage.runtime, "gateway", "order") as opened:
        stub = OrderServiceStub(opened)
        watch = Watch()
        following = asyncio.create_task(watch.follow(stub, await _place(stage)))
        try:
            await asyncio.wait_for(watch.begun.wait(), PATIENCE)
            await stage.cause("replace order's process while the stream is open", update)
            await asyncio.wait_for(following, PATIENCE)
        except TimeoutError:
            cuts = len(watch.cuts)
            raise NotSeen(f"the stream did not end: events {watch.sequences}, {cuts} cuts") from None
        finally:
            following.cancel()
    stage.figure("cuts of the stream", len(watch.cuts))
    stage.figure("told as", ", ".join(sorted(set(watch.cuts))) or "nothing")
    stage.figure("from a cut to the next event", 1000 * watch.longest, "ms")
    stage.figure("events received", ", ".join(map(str, watch.sequences)))
    stage.expect(len(watch.cuts) >= 1, f"the update cut the stream {len(watch.cuts)} times")
    stage.expect(
        watch.sequences == [1, 2, 3],
        f"the client has events {watch.sequences}: none is missing, none came twice",
    )


async def _place(stage: Stage) -> str:
    order = QUOTE["json"] | {"customer_id": "scene-resume"}
    headers = {"idempotency-key": str(uuid.uuid4())}
    answer = await stage.client.post("/api/orders", json=order, headers=headers)
    stage.expect(answer.status_code == 201, f"an order was placed: {answer.status_code}")
    return str(answer.json()["id"])
