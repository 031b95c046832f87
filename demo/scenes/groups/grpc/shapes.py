"""The four shapes of a gRPC call, made as the gateway makes them: through its sidecar."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from figtree.order.v1 import order_pb2
from figtree.order.v1.order_pb2_grpc import OrderServiceStub
from figtree.pricing.v1 import pricing_pb2
from figtree.pricing.v1.pricing_pb2_grpc import PricingServiceStub
from figtree.title.v1 import title_pb2
from figtree.title.v1.title_pb2_grpc import TitleServiceStub
from grpc import StatusCode, aio
from runtime.calls import channel

from scenes.engine.stage import Stage

CALLEES = ("title", "pricing", "order")
BULK = 3  # orders in one stream
REVISIONS = 5  # of the basket in one stream
SLICE = 25  # titles in one stream
CUSTOMER = "scene-grpc"
LIMIT = 20.0  # seconds for one call


@dataclass(frozen=True, slots=True)
class Ended:
    """How one call came out."""

    status: StatusCode
    complete: bool = False  # every message came, in order
    seen: str = ""  # what was found wrong

    @property
    def is_lost(self) -> bool:
        """grpc/grpc#36066: a status that meets a message on its way out is forgotten by Python's asyncio client."""
        return self.status is StatusCode.INTERNAL and self.seen == "Internal error from Core"


Shape = Callable[[], Awaitable[bool]]


class Caller:
    def __init__(self, title: aio.Channel, pricing: aio.Channel, order: aio.Channel) -> None:
        self._title = TitleServiceStub(title)
        self._pricing = PricingServiceStub(pricing)
        self._order = OrderServiceStub(order)
        self._after = ""
        self.pause = 0.0  # seconds between the revisions of a basket
        self.placed: list[str] = []
        self.shapes: dict[str, tuple[str, Shape]] = {
            "Quote, unary": ("pricing", self._quote),
            "ListTitles, server streaming": ("title", self._titles),
            "PlaceOrders, client streaming": ("order", self._place),
            "WatchOrder, server streaming": ("order", self._watch),
            "QuoteStream, bidirectional": ("pricing", self._reprice),
        }

    async def prepare(self) -> None:
        """Find the end of the catalogue, and place an order that can be watched."""
        ids = [answer.title.id async for answer in self._list(title_pb2.ListTitlesRequest())]
        self._after = ids[-SLICE - 1]
        await self._place()

    async def call(self, shape: str) -> Ended:
        try:
            async with asyncio.timeout(LIMIT):
                return Ended(StatusCode.OK, await self.shapes[shape][1]())
        except aio.AioRpcError as error:
            return Ended(StatusCode(error.code()), seen=error.details() or "")
        except TimeoutError:
            return Ended(StatusCode.DEADLINE_EXCEEDED, seen="the call hung")

    def _list(self, request: title_pb2.ListTitlesRequest) -> Any:
        return self._title.ListTitles(request)

    async def _quote(self) -> bool:
        answer = await self._pricing.Quote(pricing_pb2.QuoteRequest(basket=_basket(300)))
        return len(answer.quote.lines) == 1

    async def _titles(self) -> bool:
        request = title_pb2.ListTitlesRequest(after_id=self._after)
        ids = [answer.title.id async for answer in self._list(request)]
        return len(ids) == SLICE and ids == sorted(ids)

    async def _place(self) -> bool:
        keys = [str(uuid.uuid4()) for _ in range(BULK)]

        async def requests() -> AsyncIterator[order_pb2.PlaceOrdersRequest]:
            for key in keys:
                lines = [order_pb2.Line(title_id="t-000001", quantity=1)]
                order = order_pb2.NewOrder(customer_id=CUSTOMER, currency_code="EUR", lines=lines)
                yield order_pb2.PlaceOrdersRequest(idempotency_key=key, order=order)

        answer = await self._order.PlaceOrders(requests())
        self.placed += [result.order.id for result in answer.results if result.HasField("order")]
        return [r.idempotency_key for r in answer.results if r.HasField("order")] == keys

    async def _watch(self) -> bool:
        request = order_pb2.WatchOrderRequest(order_id=self.placed[-1])
        stream = self._order.WatchOrder(request)
        return [event.sequence async for event in stream] == [1, 2, 3]

    async def _reprice(self) -> bool:
        """The answers name their revision, and all come from the version that the stream began with."""

        async def baskets() -> AsyncIterator[pricing_pb2.QuoteStreamRequest]:
            for revision in range(REVISIONS):
                yield pricing_pb2.QuoteStreamRequest(revision=revision, basket=_basket(300))
                await asyncio.sleep(self.pause)

        stream = self._pricing.QuoteStream(baskets())
        answers = [answer async for answer in stream]
        prices = {answer.result.quote.total.units for answer in answers}
        return [answer.revision for answer in answers] == list(range(REVISIONS)) and len(prices) == 1


def _basket(quantity: int) -> pricing_pb2.Basket:
    line = pricing_pb2.Line(title_id="t-000001", quantity=quantity)
    return pricing_pb2.Basket(currency_code="EUR", lines=[line])


@asynccontextmanager
async def as_gateway(stage: Stage) -> AsyncIterator[Caller]:
    async with AsyncExitStack() as open_:
        channels = [
            await open_.enter_async_context(channel(stage.runtime, "gateway", callee)) for callee in CALLEES
        ]
        caller = Caller(*channels)
        await caller.prepare()
        yield caller


async def many(caller: Caller, shape: str, count: int, at_once: int = 4) -> list[Ended]:
    left = iter(range(count))

    async def some() -> list[Ended]:
        return [await caller.call(shape) for _ in left]

    return [ended for part in await asyncio.gather(*(some() for _ in range(at_once))) for ended in part]


def complete(ended: Sequence[Ended]) -> int:
    return sum(one.complete for one in ended)
