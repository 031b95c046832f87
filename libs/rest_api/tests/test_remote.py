"""What neighbours answer, over a real channel, in the words of the edge."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from common.wire import to_timestamp
from figtree.money.v1.money_pb2 import Money
from figtree.order.v1 import order_pb2 as pb
from figtree.order.v1.order_pb2_grpc import OrderServiceServicer, add_OrderServiceServicer_to_server
from grpc import StatusCode, aio
from rest_api import errors
from rest_api.conventions import CONVENTIONS
from rest_api.models import Degraded, Line, NewOrder
from rest_api.ports import Placed
from rest_api.remote.errors import translated
from rest_api.remote.order import RemoteOrders
from service_kit.channel import open_channel
from service_kit.errors import ErrorInterceptor

AS_OF = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
ORDER_ID = UUID("01a209a2-e71e-7691-a191-51bf6c95b2d6")
ORDER = NewOrder(customer_id="c", currency="EUR", lines=(Line(title_id="t", quantity=1),))


class NotTheWriter(Exception): ...


class Bad(Exception):
    violations = (("currency", "XXX has no rate on 2026-10-30"), ("lines[0].title_id", "there is no title t"))


class Unknown(Exception):
    resource = ("order", str(ORDER_ID))


class Taken(Exception):
    resource = ("idempotency key", "k")


class Limit(Exception): ...


class Gone(Exception): ...


class CatalogueAway(Gone): ...


class Busy(Exception): ...


class Late(Exception): ...


class Forbidden(Exception): ...


class NotYours(Exception): ...


TABLE = {
    NotTheWriter: StatusCode.ABORTED,
    Bad: StatusCode.INVALID_ARGUMENT,
    Unknown: StatusCode.NOT_FOUND,
    Taken: StatusCode.ALREADY_EXISTS,
    Limit: StatusCode.FAILED_PRECONDITION,
    Gone: StatusCode.UNAVAILABLE,
    Busy: StatusCode.RESOURCE_EXHAUSTED,
    Late: StatusCode.DEADLINE_EXCEEDED,
    Forbidden: StatusCode.PERMISSION_DENIED,
    NotYours: StatusCode.PERMISSION_DENIED,
}


def one_of_many(request: pb.PlaceOrderRequest) -> pb.PlaceResult:
    """An order, or the failure that the key names."""
    result = pb.PlaceResult(idempotency_key=request.idempotency_key)
    if request.idempotency_key.startswith("k"):
        total = Money(currency_code="EUR", units=int(request.idempotency_key[1:]))
        result.order.CopyFrom(pb.Order(id=str(ORDER_ID), status=pb.STATUS_PLACED, total=total))
        result.order.discount_percent.value = "0"
    elif request.idempotency_key == "degraded":
        result.order.CopyFrom(pb.Order(id=str(ORDER_ID), status=pb.STATUS_PLACED))
        result.order.discount_percent.value = "0"
        result.degraded.CopyFrom(pb.Degraded(titles_as_of=to_timestamp(AS_OF), rate_date="2026-11-20"))
    else:
        result.failure.CopyFrom(pb.Failure(reason=request.idempotency_key, message="why"))
    return result


class Orders(OrderServiceServicer):
    answer: Any = None

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.alone: list[str] = []
        self.go = asyncio.Event()
        self.go.set()

    async def GetOrder(self, request: pb.GetOrderRequest, context: Any) -> pb.GetOrderResponse:  # noqa: N802
        raise NotImplementedError

    async def ListOrders(self, request: pb.ListOrdersRequest, context: Any) -> pb.ListOrdersResponse:  # noqa: N802
        raise NotImplementedError

    async def PlaceOrder(self, request: pb.PlaceOrderRequest, context: Any) -> pb.PlaceOrderResponse:  # noqa: N802
        self.alone.append(request.idempotency_key)
        await self.go.wait()
        if self.answer is not None:
            raise self.answer
        result = one_of_many(request)
        told = result.degraded if result.HasField("degraded") else None
        return pb.PlaceOrderResponse(order=result.order, degraded=told)

    async def PlaceOrders(self, requests: Any, context: Any) -> pb.PlaceOrdersResponse:  # noqa: N802
        received = [request async for request in requests]
        failures = [pb.Failure(reason=reason, message="why") for reason in self.answer]
        return pb.PlaceOrdersResponse(
            results=[
                pb.PlaceResult(idempotency_key=one.idempotency_key, failure=failure)
                for one, failure in zip(received, failures, strict=True)
            ]
        )

    async def BatchPlaceOrders(self, request: pb.BatchPlaceOrdersRequest, context: Any) -> Any:  # noqa: N802
        self.batches.append([one.idempotency_key for one in request.orders])
        return pb.BatchPlaceOrdersResponse(results=[one_of_many(order) for order in request.orders])

    async def WatchOrder(self, request: pb.WatchOrderRequest, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        if self.answer:
            raise self.answer
        for sequence in (1, 2, 3):
            yield pb.WatchOrderResponse(sequence=sequence, status=sequence)  # type: ignore[arg-type]


@pytest.fixture
def servicer() -> Orders:
    return Orders()


@pytest.fixture
async def remote(servicer: Orders) -> AsyncIterator[RemoteOrders]:
    server = aio.server(interceptors=[ErrorInterceptor(TABLE, CONVENTIONS)])
    add_OrderServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_channel(f"127.0.0.1:{port}") as channel:
        yield RemoteOrders(channel)
    await server.stop(None)


@pytest.mark.parametrize(
    ("raised", "expected", "text"),
    [
        (NotTheWriter(), errors.NotTheWriter, ""),
        (
            Bad("bad"),
            errors.Invalid,
            "currency: XXX has no rate on 2026-10-30; lines[0].title_id: there is no title t",
        ),
        (Unknown("unknown"), errors.Missing, f"there is no order {ORDER_ID}"),
        (Taken("taken"), errors.Conflict, "the key k was used for an order with other content"),
        (Limit("above the credit limit"), errors.Refused, "above the credit limit"),
        (Gone("gone"), errors.Unavailable, "please repeat the request"),
        (CatalogueAway("no catalogue"), errors.Unavailable, "no catalogue"),
        (Busy("busy"), errors.Overloaded, "busy"),
        (Late("late"), errors.TooLate, "the deadline passed"),
        (Forbidden("rbac: access denied"), errors.Denied, "the mesh forbids this call"),
        (NotYours("ann cannot order for ben"), errors.Denied, "ann cannot order for ben"),
    ],
)
async def test_each_status_has_its_error(
    remote: RemoteOrders, servicer: Orders, raised: Exception, expected: type[Exception], text: str
) -> None:
    servicer.answer = raised
    with pytest.raises(expected) as error:
        await remote.place("k", ORDER)
    assert str(error.value) == text


async def test_an_order_that_was_priced_without_the_catalogue_keeps_what_it_says(
    remote: RemoteOrders,
) -> None:
    told = Degraded(titles_as_of=AS_OF, rate_date=AS_OF.date())
    assert (await remote.place("degraded", ORDER)).degraded == told
    request = pb.PlaceOrderRequest(idempotency_key="degraded")
    outcome = await remote._outcome(request, one_of_many(request))
    assert isinstance(outcome, Placed)
    assert outcome.degraded == told


async def test_what_nobody_expects_stays_inside(remote: RemoteOrders, servicer: Orders) -> None:
    servicer.answer = ValueError("password=hunter2")
    with pytest.raises(aio.AioRpcError) as error:
        await remote.place("k", ORDER)
    assert "hunter2" not in str(error.value)


async def test_a_bulk_of_failures_is_reported_one_by_one(remote: RemoteOrders, servicer: Orders) -> None:
    servicer.answer = ["INVALID_ORDER", "IDEMPOTENCY_CONFLICT", "CREDIT_EXCEEDED", "NOT_YOURS", "UNAVAILABLE"]
    servicer.answer.append("CATALOGUE_AWAY")
    answers = await remote.place_many([(f"k-{i}", ORDER) for i in range(6)])
    assert [type(answer) for answer in answers] == [
        errors.Invalid,
        errors.Conflict,
        errors.Refused,
        errors.Denied,
        errors.Unavailable,
        errors.Unavailable,
    ]
    assert str(answers[-1]) == "why"


async def test_a_bulk_that_met_another_writer_moves_as_a_whole(
    remote: RemoteOrders, servicer: Orders
) -> None:
    servicer.answer = ["INVALID_ORDER", "NOT_THE_WRITER"]
    with pytest.raises(errors.NotTheWriter):
        await remote.place_many([("a", ORDER), ("b", ORDER)])


async def test_events_come_until_the_last_or_the_error(remote: RemoteOrders, servicer: Orders) -> None:
    assert [event.status async for event in remote.watch(ORDER_ID, 0)] == ["placed", "accepted", "shipped"]
    servicer.answer = Unknown("unknown")
    with pytest.raises(errors.Missing):
        await anext(remote.watch(ORDER_ID, 0))


def test_a_status_that_the_client_library_has_lost_can_be_repeated() -> None:
    lost = aio.AioRpcError(StatusCode.INTERNAL, aio.Metadata(), aio.Metadata(), "Internal error from Core")
    assert isinstance(translated(lost), errors.Unavailable)
    bug = aio.AioRpcError(StatusCode.INTERNAL, aio.Metadata(), aio.Metadata(), "internal error")
    assert translated(bug) is bug


async def test_an_order_that_comes_alone_travels_alone(remote: RemoteOrders, servicer: Orders) -> None:
    for n in range(3):
        await remote.place(f"k{n}", ORDER)
    assert (servicer.alone, servicer.batches) == (["k0", "k1", "k2"], [])


async def test_orders_that_come_together_share_a_call_and_each_has_its_own_outcome(
    remote: RemoteOrders, servicer: Orders
) -> None:
    servicer.go.clear()
    first = []
    for key in ("k1", "k2"):  # take the two flights
        first.append(asyncio.create_task(remote.place(key, ORDER)))
        while len(servicer.alone) < len(first):
            await asyncio.sleep(0.001)
    keys = ["k3", "INVALID_ORDER", "k4", "NOT_THE_WRITER", "IDEMPOTENCY_CONFLICT", "NOT_YOURS", "k5"]
    others = [asyncio.create_task(remote.place(key, ORDER)) for key in keys]
    await asyncio.sleep(0)
    servicer.go.set()
    await asyncio.gather(*first)
    outcomes = await asyncio.gather(*others, return_exceptions=True)
    assert servicer.batches == [keys]
    assert [type(o) if isinstance(o, Exception) else o.order.total for o in outcomes] == [  # type: ignore[union-attr]
        3,
        errors.Invalid,
        4,
        errors.NotTheWriter,
        errors.Conflict,
        errors.Denied,
        5,
    ]


async def test_what_fails_in_company_without_a_reason_is_sent_again_alone(
    remote: RemoteOrders, servicer: Orders
) -> None:
    servicer.answer = Limit("too much")
    outcome = await remote._outcome(
        pb.PlaceOrderRequest(idempotency_key="INTERNAL"),
        one_of_many(pb.PlaceOrderRequest(idempotency_key="INTERNAL")),
    )
    assert isinstance(outcome, errors.Refused)
    assert servicer.alone == ["INTERNAL"]
