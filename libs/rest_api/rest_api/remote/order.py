from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import date
from typing import Literal
from uuid import UUID

from coalescing.coalesce import Busy, Coalescer
from common.conventions import ROUTED_BY
from common.wire import from_decimal, from_money, from_timestamp
from figtree.order.v1 import order_pb2 as pb
from figtree.order.v1.order_pb2_grpc import OrderServiceStub
from grpc.aio import Channel

from rest_api.errors import (
    Conflict,
    Denied,
    EdgeError,
    Invalid,
    NotTheWriter,
    Overloaded,
    Refused,
    Unavailable,
)
from rest_api.models import Degraded, NewOrder, Order, OrderEvent, OrderLine, OrderPage
from rest_api.ports import Placed
from rest_api.remote.errors import translating

STATUSES: dict[int, Literal["placed", "accepted", "shipped"]] = {
    pb.STATUS_PLACED: "placed",
    pb.STATUS_ACCEPTED: "accepted",
    pb.STATUS_SHIPPED: "shipped",
}


def to_proto(order: NewOrder) -> pb.NewOrder:
    """The one mapping from REST to the contract."""
    lines = [pb.Line(title_id=line.title_id, quantity=line.quantity) for line in order.lines]
    return pb.NewOrder(customer_id=order.customer_id, currency_code=order.currency, lines=lines)


def from_proto(order: pb.Order) -> Order:
    """The one mapping from the contract to REST."""
    return Order(
        id=UUID(order.id),
        customer_id=order.customer_id,
        status=STATUSES[order.status],
        currency=order.total.currency_code,
        lines=tuple(map(_line, order.lines)),
        discount_percent=from_decimal(order.discount_percent),
        total=from_money(order.total),
        created_at=from_timestamp(order.create_time),
    )


def _line(line: pb.OrderLine) -> OrderLine:
    return OrderLine(
        title_id=line.title_id,
        quantity=line.quantity,
        unit_price=from_money(line.unit_price),
        total=from_money(line.total),
    )


class RemoteOrders:
    """The port of orders, over gRPC."""

    def __init__(self, channel: Channel) -> None:
        self._stub = OrderServiceStub(channel)
        self._coalesced = Coalescer(self._place, split_by=ROUTED_BY)

    async def place(self, key: str, order: NewOrder) -> Placed:
        """Orders that come while others are being placed leave together; one that comes alone leaves at once."""
        try:
            outcome = await self._coalesced(pb.PlaceOrderRequest(idempotency_key=key, order=to_proto(order)))
        except Busy as error:
            raise Overloaded(str(error)) from error
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _place(self, requests: Sequence[pb.PlaceOrderRequest]) -> list[Placed | Exception]:
        if len(requests) == 1:
            return [await self._place_alone(requests[0])]
        with translating():
            answer = await self._stub.BatchPlaceOrders(pb.BatchPlaceOrdersRequest(orders=requests))
        return [
            await self._outcome(request, result)
            for request, result in zip(requests, answer.results, strict=True)
        ]

    async def _outcome(self, request: pb.PlaceOrderRequest, result: pb.PlaceResult) -> Placed | Exception:
        match result.failure.reason:
            case "NOT_THE_WRITER":
                return NotTheWriter()
            case "INTERNAL":  # asked alone, it is answered with its own status
                return await self._place_alone(request)
            case _:
                return _result(result)

    async def _place_alone(self, request: pb.PlaceOrderRequest) -> Placed | Exception:
        try:
            with translating():
                answer = await self._stub.PlaceOrder(request)
        except Exception as error:
            return error
        return _placed(answer)

    async def place_many(self, orders: Sequence[tuple[str, NewOrder]]) -> Sequence[Placed | EdgeError]:
        """Stream the orders to the service. Raises NotTheWriter if it is not the writer for any of them."""

        async def requests() -> AsyncIterator[pb.PlaceOrdersRequest]:
            for key, order in orders:
                yield pb.PlaceOrdersRequest(idempotency_key=key, order=to_proto(order))

        with translating():
            answer = await self._stub.PlaceOrders(requests())
        if any(result.failure.reason == "NOT_THE_WRITER" for result in answer.results):
            raise NotTheWriter
        return [_result(result) for result in answer.results]

    async def get(self, order_id: UUID) -> Order:
        """Raises Missing."""
        with translating():
            return from_proto((await self._stub.GetOrder(pb.GetOrderRequest(order_id=str(order_id)))).order)

    async def list(self, customer_id: str, page_size: int, page_token: str) -> OrderPage:
        """One page, the newest order first."""
        request = pb.ListOrdersRequest(customer_id=customer_id, page_size=page_size, page_token=page_token)
        with translating():
            page = await self._stub.ListOrders(request)
        return OrderPage(orders=tuple(map(from_proto, page.orders)), next_page_token=page.next_page_token)

    async def watch(self, order_id: UUID, after_sequence: int) -> AsyncGenerator[OrderEvent, None]:
        """The events behind `after_sequence` as they happen, until the last. Raises Missing before the first."""
        call = self._stub.WatchOrder(
            pb.WatchOrderRequest(order_id=str(order_id), after_sequence=after_sequence)
        )
        try:
            with translating():
                async for event in call:
                    yield OrderEvent(
                        order_id=order_id,
                        sequence=event.sequence,
                        status=STATUSES[event.status],
                        at=from_timestamp(event.time),
                    )
        finally:
            call.cancel()  # a caller that left is no reason to stream on


def _placed(answer: pb.PlaceOrderResponse | pb.PlaceResult) -> Placed:
    if not answer.HasField("degraded"):
        return Placed(from_proto(answer.order), answer.replayed)
    told = answer.degraded
    degraded = Degraded(
        titles_as_of=from_timestamp(told.titles_as_of), rate_date=date.fromisoformat(told.rate_date)
    )
    return Placed(from_proto(answer.order), answer.replayed, degraded)


def _result(result: pb.PlaceResult) -> Placed | EdgeError:
    if result.HasField("order"):
        return _placed(result)
    match result.failure.reason:
        case "INVALID_ORDER":
            return Invalid([(v.field, v.description) for v in result.failure.violations])
        case "IDEMPOTENCY_CONFLICT":
            return Conflict(result.idempotency_key)
        case "CREDIT_EXCEEDED":
            return Refused(result.failure.message)
        case "NOT_YOURS":
            return Denied(result.failure.message)
        case "CATALOGUE_AWAY":
            return Unavailable(result.failure.message)
        case _:
            return Unavailable("please repeat the request")
