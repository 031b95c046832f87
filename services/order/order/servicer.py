"""Proto to domain and back, and what an error is called on the wire."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from coalescing.coalesce import Busy
from common.conventions import USER_HEADER
from common.paging import last_key, token
from common.wire import to_decimal, to_money
from figtree.order.v1 import order_pb2 as pb
from figtree.order.v1.order_pb2_grpc import OrderServiceServicer
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode
from grpc.aio import ServicerContext
from service_kit.context import concerns, current
from service_kit.errors import StatusTable, reason_of

from order.domain import (
    CreditExceeded,
    IdempotencyConflict,
    InvalidRequest,
    Line,
    NewOrder,
    NotTheWriter,
    NotYours,
    Order,
    PricedLine,
    Unavailable,
    UnknownOrder,
)
from order.ports import Outcome, Placed, Wanted
from order.service import Ordering
from order.watch import Watches

log = logging.getLogger(__name__)

SERVICE = "figtree.order.v1.OrderService"
STATUS: StatusTable = {
    InvalidRequest: StatusCode.INVALID_ARGUMENT,
    UnknownOrder: StatusCode.NOT_FOUND,
    IdempotencyConflict: StatusCode.ALREADY_EXISTS,
    CreditExceeded: StatusCode.FAILED_PRECONDITION,
    NotTheWriter: StatusCode.ABORTED,
    NotYours: StatusCode.PERMISSION_DENIED,
    Unavailable: StatusCode.UNAVAILABLE,
    Busy: StatusCode.RESOURCE_EXHAUSTED,
}
STATUSES = {"placed": pb.STATUS_PLACED, "accepted": pb.STATUS_ACCEPTED, "shipped": pb.STATUS_SHIPPED}
Place = Callable[[Sequence[Wanted]], Awaitable[Sequence[Outcome]]]
BULK = 100  # baskets that one call to pricing takes


def to_timestamp(at: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(at)
    return timestamp


def from_new_order(order: pb.NewOrder) -> NewOrder:
    lines = tuple(Line(line.title_id, line.quantity) for line in order.lines)
    return NewOrder(order.customer_id, order.currency_code, lines)


def to_order(order: Order) -> pb.Order:
    return pb.Order(
        id=str(order.id),
        customer_id=order.customer_id,
        status=STATUSES[order.status],
        lines=[_line(line, order.currency) for line in order.lines],
        discount_percent=to_decimal(order.discount_percent),
        total=to_money(order.total, order.currency),
        create_time=to_timestamp(order.created_at),
    )


def _line(line: PricedLine, currency: str) -> pb.OrderLine:
    return pb.OrderLine(
        title_id=line.title_id,
        quantity=line.quantity,
        unit_price=to_money(line.unit_price, currency),
        total=to_money(line.total, currency),
    )


def to_result(key: str, outcome: Outcome) -> pb.PlaceResult:
    if isinstance(outcome, Placed):
        return pb.PlaceResult(idempotency_key=key, order=to_order(outcome.order), replayed=outcome.replayed)
    if not isinstance(outcome, tuple(STATUS)):
        log.error("unhandled error in an order of a bulk", exc_info=outcome)
        failure = pb.Failure(reason="INTERNAL", message="internal error")
    else:
        violations = [
            pb.FieldViolation(field=f, description=d) for f, d in getattr(outcome, "violations", ())
        ]
        failure = pb.Failure(reason=reason_of(outcome), message=str(outcome), violations=violations)
    return pb.PlaceResult(idempotency_key=key, failure=failure)


def user() -> str:
    """Who the mesh has verified the user to be; empty where it verifies nobody (istio/security/edge-jwt.yaml)."""
    return current().headers.get(USER_HEADER, "")


class OrderServicer(OrderServiceServicer):
    def __init__(
        self, ordering: Ordering, place: Callable[[Wanted], Awaitable[Outcome]], watches: Watches
    ) -> None:
        self._ordering = ordering
        self._place = place
        self._watches = watches

    async def PlaceOrder(
        self, request: pb.PlaceOrderRequest, context: ServicerContext[Any, Any]
    ) -> pb.PlaceOrderResponse:
        concerns(request.order.customer_id)
        if (who := user()) not in ("", request.order.customer_id):
            raise NotYours(who, request.order.customer_id)
        outcome = await self._place((request.idempotency_key, from_new_order(request.order)))
        if not isinstance(outcome, Placed):
            raise outcome
        return pb.PlaceOrderResponse(order=to_order(outcome.order), replayed=outcome.replayed)

    async def PlaceOrders(
        self, request_iterator: AsyncIterator[pb.PlaceOrdersRequest], context: ServicerContext[Any, Any]
    ) -> pb.PlaceOrdersResponse:
        response = pb.PlaceOrdersResponse()
        wanted: list[Wanted] = []
        async for request in request_iterator:
            wanted.append((request.idempotency_key, from_new_order(request.order)))
            if len(wanted) == BULK:
                response.results.extend(await self._results(wanted))
                wanted.clear()
        response.results.extend(await self._results(wanted))
        return response

    async def BatchPlaceOrders(
        self, request: pb.BatchPlaceOrdersRequest, context: ServicerContext[Any, Any]
    ) -> pb.BatchPlaceOrdersResponse:
        if len(request.orders) > BULK:
            raise InvalidRequest([("orders", f"must be at most {BULK}")])
        wanted = [(one.idempotency_key, from_new_order(one.order)) for one in request.orders]
        return pb.BatchPlaceOrdersResponse(results=await self._results(wanted, self._ordering.place_together))

    async def _results(self, wanted: Sequence[Wanted], place: Place | None = None) -> list[pb.PlaceResult]:
        """Each order's outcome in its place; nobody orders in another one's name."""
        who = user()
        allowed = [item for item in wanted if who in ("", item[1].customer_id)]
        outcomes = iter(await (place or self._ordering.place_many)(allowed) if allowed else ())
        return [
            to_result(
                key,
                next(outcomes) if who in ("", order.customer_id) else NotYours(who, order.customer_id),
            )
            for key, order in wanted
        ]

    async def GetOrder(
        self, request: pb.GetOrderRequest, context: ServicerContext[Any, Any]
    ) -> pb.GetOrderResponse:
        return pb.GetOrderResponse(order=to_order(await self._ordering.get(request.order_id, user())))

    async def ListOrders(
        self, request: pb.ListOrdersRequest, context: ServicerContext[Any, Any]
    ) -> pb.ListOrdersResponse:
        after = last_key(request.page_token)
        who = user()
        if who and request.customer_id not in ("", who):
            return pb.ListOrdersResponse()
        orders, last = await self._ordering.page(who or request.customer_id, request.page_size, after)
        return pb.ListOrdersResponse(orders=map(to_order, orders), next_page_token=token(last))

    async def WatchOrder(
        self, request: pb.WatchOrderRequest, context: ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.WatchOrderResponse]:
        if who := user():
            await self._ordering.get(request.order_id, who)
        async for event in self._watches.events(request.order_id, request.after_sequence):
            yield pb.WatchOrderResponse(
                sequence=event.sequence, status=STATUSES[event.status], time=to_timestamp(event.at)
            )
