"""Proto to domain and back, and what an error is called on the wire."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from coalescing.coalesce import Busy
from common.conventions import USER_HEADER
from common.paging import last_key, token
from common.wire import to_decimal, to_money, to_timestamp
from figtree.order.v1 import order_pb2 as pb
from figtree.order.v1.order_pb2_grpc import OrderServiceServicer
from grpc import StatusCode
from grpc.aio import ServicerContext
from service_kit.context import concerns, current, header
from service_kit.errors import StatusTable, reason_of
from tracing import Traces
from uuid_utils.compat import uuid7

from order.domain import (
    CreditExceeded,
    Degraded,
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
from order.ports import Failed, Outcome, Placed, PlaceRequest, Refused
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
BULK = 100  # baskets that one call to pricing takes


def from_request(request: pb.PlaceOrderRequest | pb.PlaceOrdersRequest) -> PlaceRequest:
    """The request with the id that its order gets."""
    return PlaceRequest(id=uuid7(), key=request.idempotency_key, order=from_new_order(request.order))


def from_new_order(order: pb.NewOrder) -> NewOrder:
    """The one mapping from the contract to a new order."""
    return NewOrder(
        customer_id=order.customer_id,
        currency=order.currency_code,
        lines=tuple(Line(title_id=line.title_id, quantity=line.quantity) for line in order.lines),
    )


def to_order(order: Order) -> pb.Order:
    """The one mapping from an order to the contract."""
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


def to_degraded(degraded: Degraded | None) -> pb.Degraded | None:
    """What an order says that was priced without the catalogue."""
    if degraded is None:
        return None
    return pb.Degraded(
        titles_as_of=to_timestamp(degraded.titles_as_of), rate_date=degraded.rate_date.isoformat()
    )


def to_result(key: str, outcome: Outcome) -> pb.PlaceResult:
    """The result of one order of a bulk."""
    match outcome:
        case Placed(order, replayed, degraded):
            return pb.PlaceResult(
                idempotency_key=key,
                order=to_order(order),
                replayed=replayed,
                degraded=to_degraded(degraded),
            )
        case Refused(error):
            return pb.PlaceResult(idempotency_key=key, failure=to_failure(error))
        case Failed(error):
            log.error("unhandled error in an order of a bulk", exc_info=error)
            failure = pb.Failure(reason="INTERNAL", message="internal error")
            return pb.PlaceResult(idempotency_key=key, failure=failure)


def to_failure(error: Exception) -> pb.Failure:
    """An error as a message: its reason is the name of its class."""
    wrong = error.violations if isinstance(error, InvalidRequest) else ()
    return pb.Failure(
        reason=reason_of(error),
        message=str(error),
        violations=[pb.FieldViolation(field=field, description=text) for field, text in wrong],
    )


def user() -> str:
    """Who the mesh has verified the user to be; empty where it verifies nobody (istio/security/edge-jwt.yaml)."""
    return header(USER_HEADER)


class OrderServicer(OrderServiceServicer):
    """`place` places one order, and may share a statement with calls that come at the same time."""

    def __init__(
        self,
        ordering: Ordering,
        place: Callable[[PlaceRequest], Awaitable[Outcome]],
        watches: Watches,
        traces: Traces,
    ) -> None:
        self._ordering = ordering
        self._place = place
        self._watches = watches
        self._traces = traces

    async def PlaceOrder(
        self,
        request: pb.PlaceOrderRequest,
        context: ServicerContext[pb.PlaceOrderRequest, pb.PlaceOrderResponse],
    ) -> pb.PlaceOrderResponse:
        """Place one order; a refusal is a status."""
        concerns(request.order.customer_id)
        if (who := user()) not in ("", request.order.customer_id):
            raise NotYours(who, request.order.customer_id)
        wanted = from_request(request)
        self._remember_trace([wanted])
        match await self._place(wanted):
            case Placed(order, replayed, degraded):
                return pb.PlaceOrderResponse(
                    order=to_order(order), replayed=replayed, degraded=to_degraded(degraded)
                )
            case Refused(error) | Failed(error):
                raise error

    async def PlaceOrders(
        self,
        request_iterator: AsyncIterator[pb.PlaceOrdersRequest],
        context: ServicerContext[pb.PlaceOrdersRequest, pb.PlaceOrdersResponse],
    ) -> pb.PlaceOrdersResponse:
        """Place a stream of orders; each has its own result."""
        response = pb.PlaceOrdersResponse()
        wanted: list[PlaceRequest] = []
        async for request in request_iterator:
            wanted.append(from_request(request))
            if len(wanted) == BULK:
                self._remember_trace(wanted)
                response.results.extend(await self._place_many(wanted))
                wanted.clear()
        self._remember_trace(wanted)
        response.results.extend(await self._place_many(wanted))
        return response

    async def BatchPlaceOrders(
        self,
        request: pb.BatchPlaceOrdersRequest,
        context: ServicerContext[pb.BatchPlaceOrdersRequest, pb.BatchPlaceOrdersResponse],
    ) -> pb.BatchPlaceOrdersResponse:
        """Place orders of several callers; each has its own result."""
        if len(request.orders) > BULK:
            raise InvalidRequest([("orders", f"must be at most {BULK}")])
        wanted = list(map(from_request, request.orders))
        self._remember_trace(wanted[:1])  # the call's trace is that of the first caller
        return pb.BatchPlaceOrdersResponse(results=await self._place_many(wanted))

    async def _place_many(self, wanted: Sequence[PlaceRequest]) -> list[pb.PlaceResult]:
        """The result of each order in its place; a verified user orders only in their own name."""
        who = user()
        allowed = [request for request in wanted if who in ("", request.order.customer_id)]
        placed = await self._ordering.place_many(allowed)
        outcomes = {request.id: outcome for request, outcome in zip(allowed, placed, strict=True)}
        return [
            to_result(
                request.key,
                outcomes.get(request.id) or Refused(NotYours(who, request.order.customer_id)),
            )
            for request in wanted
        ]

    def _remember_trace(self, wanted: Sequence[PlaceRequest]) -> None:
        """Events of these orders are published later, and belong to the trace of the call under way."""
        self._traces.remember([request.id for request in wanted], current().headers)

    async def GetOrder(
        self, request: pb.GetOrderRequest, context: ServicerContext[pb.GetOrderRequest, pb.GetOrderResponse]
    ) -> pb.GetOrderResponse:
        """One order."""
        return pb.GetOrderResponse(order=to_order(await self._ordering.get(request.order_id, user())))

    async def ListOrders(
        self,
        request: pb.ListOrdersRequest,
        context: ServicerContext[pb.ListOrdersRequest, pb.ListOrdersResponse],
    ) -> pb.ListOrdersResponse:
        """One page, the newest order first."""
        after = last_key(request.page_token)
        who = user()
        if who and request.customer_id not in ("", who):
            return pb.ListOrdersResponse()
        orders, last = await self._ordering.page(who or request.customer_id, request.page_size, after)
        return pb.ListOrdersResponse(orders=map(to_order, orders), next_page_token=token(last))

    async def WatchOrder(
        self,
        request: pb.WatchOrderRequest,
        context: ServicerContext[pb.WatchOrderRequest, pb.WatchOrderResponse],
    ) -> AsyncIterator[pb.WatchOrderResponse]:
        """Events as they happen, until the last."""
        if who := user():
            await self._ordering.get(request.order_id, who)
        async for event in self._watches.events(request.order_id, request.after_sequence):
            yield pb.WatchOrderResponse(
                sequence=event.sequence, status=STATUSES[event.status], time=to_timestamp(event.at)
            )
