import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from coalescing.coalesce import Coalescer
from figtree.order.v1 import order_pb2 as pb
from figtree.order.v1.order_pb2_grpc import OrderServiceStub, add_OrderServiceServicer_to_server
from google.rpc import error_details_pb2
from grpc import StatusCode, aio
from grpc_status import rpc_status
from order.__main__ import CONVENTIONS
from order.domain import Degraded, Event
from order.progress import SqlProgress
from order.service import Ordering
from order.servicer import STATUS, OrderServicer
from order.storage import SqlOrders
from order.watch import Watches
from service_kit.errors import ErrorInterceptor
from sqlalchemy.ext.asyncio import AsyncEngine
from tracing import Traces

SAMPLED = ("traceparent", f"00-{1:032x}-{1:016x}-01")


@pytest.fixture
def traces() -> Traces:
    return Traces()


@pytest.fixture
async def stub(
    sql_orders: SqlOrders, pricing: Any, accounts: Any, wakeups: Any, traces: Traces, tmp_path: Path
) -> AsyncIterator[Any]:
    ordering = Ordering(sql_orders, pricing, accounts, wakeups, lambda: datetime.now(UTC))
    watches = Watches(sql_orders, interval=0.02)
    server = aio.server(interceptors=[ErrorInterceptor(STATUS, CONVENTIONS)])
    servicer = OrderServicer(ordering, Coalescer(ordering.place_many), watches, traces)
    add_OrderServiceServicer_to_server(servicer, server)
    server.add_insecure_port(f"unix:{tmp_path}/s")
    await server.start()
    async with aio.insecure_channel(f"unix:{tmp_path}/s") as channel:
        yield OrderServiceStub(channel)
    await server.stop(None)
    await watches.close()


def new_order(title: str = "t-1", quantity: int = 2, customer: str = "c-1") -> pb.NewOrder:
    lines = [pb.Line(title_id=title, quantity=quantity)]
    return pb.NewOrder(customer_id=customer, currency_code="EUR", lines=lines)


def request(key: str = "k", **order: Any) -> pb.PlaceOrderRequest:
    return pb.PlaceOrderRequest(idempotency_key=key, order=new_order(**order))


async def refused(call: Any) -> tuple[StatusCode, str, list[Any]]:
    with pytest.raises(aio.AioRpcError) as caught:
        await call
    found = []
    for detail in rpc_status.from_call(caught.value).details:
        for kind in (
            error_details_pb2.ErrorInfo,
            error_details_pb2.BadRequest,
            error_details_pb2.ResourceInfo,
        ):
            message = kind()
            if detail.Unpack(message):
                found.append(message)
    return caught.value.code(), caught.value.details() or "", found


async def test_a_placed_order_is_exact_and_can_be_read(stub: Any) -> None:
    placed = await stub.PlaceOrder(request())
    assert not placed.replayed
    assert placed.order.status == pb.STATUS_PLACED
    assert (placed.order.total.units, placed.order.total.currency_code) == (20, "EUR")
    assert placed.order.discount_percent.value == "0"
    assert (await stub.GetOrder(pb.GetOrderRequest(order_id=placed.order.id))).order == placed.order


async def test_a_repeated_call_gives_the_same_order(stub: Any) -> None:
    first, second = await stub.PlaceOrder(request()), await stub.PlaceOrder(request())
    assert second.order == first.order
    assert second.replayed


async def test_many_concurrent_calls_share_their_way_and_each_gets_its_own_order(
    stub: Any, pricing: Any
) -> None:
    answers = await asyncio.gather(*(stub.PlaceOrder(request(f"k{n}", quantity=n + 1)) for n in range(40)))
    assert [answer.order.lines[0].quantity for answer in answers] == list(range(1, 41))
    assert len(pricing.calls) < 40


async def test_many_concurrent_calls_with_one_key_make_one_order(stub: Any) -> None:
    answers = await asyncio.gather(*(stub.PlaceOrder(request()) for _ in range(20)))
    assert len({answer.order.id for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1


async def test_a_bad_order_among_concurrent_ones_fails_alone(stub: Any) -> None:
    titles = ["t-1", "none", "t-2", "none", "t-3"]
    answers = await asyncio.gather(
        *(stub.PlaceOrder(request(f"k{n}", title=title)) for n, title in enumerate(titles)),
        return_exceptions=True,
    )
    assert [isinstance(answer, aio.AioRpcError) for answer in answers] == [False, True, False, True, False]


async def test_errors_carry_reason_fields_and_resource(stub: Any) -> None:
    code, _, (info, bad) = await refused(stub.PlaceOrder(request(title="none")))
    assert (code, info.reason) == (StatusCode.INVALID_ARGUMENT, "INVALID_ORDER")
    assert bad.field_violations[0].field == "lines[0].title_id"

    await stub.PlaceOrder(request())
    code, words, (info, resource) = await refused(stub.PlaceOrder(request(quantity=3)))
    assert (code, info.reason) == (StatusCode.ALREADY_EXISTS, "IDEMPOTENCY_CONFLICT")
    assert words == "the key k was used for an order with other content"
    assert resource.resource_name == "k"

    code, words, _ = await refused(stub.PlaceOrder(request("g", customer="gold", quantity=200)))
    assert (code, words) == (
        StatusCode.FAILED_PRECONDITION,
        "the order's total of 1800.00 EUR is above the credit limit of 1000.00 EUR",
    )

    unknown = str(uuid4())
    code, words, (_, resource) = await refused(stub.GetOrder(pb.GetOrderRequest(order_id=unknown)))
    assert (code, words) == (StatusCode.NOT_FOUND, f"there is no order {unknown}")
    assert (resource.resource_type, resource.resource_name) == ("order", unknown)


async def test_without_pricing_an_order_is_unavailable(stub: Any, pricing: Any) -> None:
    pricing.is_down = True
    assert (await refused(stub.PlaceOrder(request())))[0] == StatusCode.UNAVAILABLE


async def test_behind_a_fence_the_caller_is_told_that_another_side_writes(stub: Any, fenced: Any) -> None:
    code, _, (info,) = await refused(stub.PlaceOrder(request()))
    assert (code, info.reason) == (StatusCode.ABORTED, "NOT_THE_WRITER")
    results = (await stub.PlaceOrders(iter([bulk("a"), bulk("b", title="none")]))).results
    assert [result.failure.reason for result in results] == ["NOT_THE_WRITER", "INVALID_ORDER"]
    await fenced.take_away()
    assert not (await stub.PlaceOrder(request())).replayed


async def test_events_of_all_orders_of_a_bulk_belong_to_its_callers_trace(stub: Any, traces: Traces) -> None:
    answer = await stub.PlaceOrders(iter([bulk("a"), bulk("b")]), metadata=[SAMPLED])
    assert [traces.of(UUID(result.order.id)) for result in answer.results] == [dict([SAMPLED])] * 2


async def test_of_several_callers_only_the_first_ones_events_belong_to_its_trace(
    stub: Any, traces: Traces
) -> None:
    together = pb.BatchPlaceOrdersRequest(orders=[request("a"), request("b"), request("c")])
    answer = await stub.BatchPlaceOrders(together, metadata=[SAMPLED])
    assert [bool(traces.of(UUID(result.order.id))) for result in answer.results] == [True, False, False]


def bulk(key: str, **order: Any) -> pb.PlaceOrdersRequest:
    return pb.PlaceOrdersRequest(idempotency_key=key, order=new_order(**order))


async def test_a_bulk_reports_each_order_in_its_place(stub: Any, pricing: Any, accounts: Any) -> None:
    wanted = [
        bulk("a"),
        bulk("b", title="none"),
        bulk("a"),
        bulk("a", quantity=9),
        bulk("c", customer="gold", quantity=200),
    ]
    results = (await stub.PlaceOrders(iter(wanted))).results
    assert [result.idempotency_key for result in results] == ["a", "b", "a", "a", "c"]
    assert [result.failure.reason for result in results] == [
        "",
        "INVALID_ORDER",
        "",
        "IDEMPOTENCY_CONFLICT",
        "CREDIT_EXCEEDED",
    ]
    assert results[1].failure.violations[0].description == "there is no title none"
    assert results[2].order == results[0].order
    assert [result.replayed for result in results] == [False, False, True, False, False]
    assert (len(pricing.calls), len(accounts.calls)) == (1, 1)


async def test_a_bulk_may_be_empty_or_longer_than_one_call_to_pricing(stub: Any, pricing: Any) -> None:
    assert len((await stub.PlaceOrders(iter([]))).results) == 0
    results = (await stub.PlaceOrders(iter([bulk(f"k{n}") for n in range(250)]))).results
    assert len({result.order.id for result in results}) == 250
    assert pricing.calls == [100, 100, 50]


async def test_pages_follow_each_other(stub: Any) -> None:
    await stub.PlaceOrders(iter([bulk(f"k{n}", customer=f"c-{n % 2}") for n in range(5)]))
    page = await stub.ListOrders(pb.ListOrdersRequest(page_size=3))
    rest = await stub.ListOrders(pb.ListOrdersRequest(page_size=3, page_token=page.next_page_token))
    assert (len(page.orders), len(rest.orders), rest.next_page_token) == (3, 2, "")
    everything = await stub.ListOrders(pb.ListOrdersRequest())
    assert list(everything.orders) == [*page.orders, *rest.orders]
    mine = await stub.ListOrders(pb.ListOrdersRequest(customer_id="c-1"))
    assert {order.customer_id for order in mine.orders} == {"c-1"}


@pytest.mark.parametrize("page_token", ["!", "bm90IGEgdXVpZA", "AA", "ÿ"])
async def test_a_token_that_the_service_did_not_make_is_refused(stub: Any, page_token: str) -> None:
    code, words, _ = await refused(stub.ListOrders(pb.ListOrdersRequest(page_token=page_token)))
    assert (code, words) == (
        StatusCode.INVALID_ARGUMENT,
        "page_token: must be empty or the next_page_token of an earlier page of this list",
    )


async def test_a_watch_tells_each_status_as_it_comes_and_ends_with_the_last(
    stub: Any, engine: AsyncEngine
) -> None:
    order_id = (await stub.PlaceOrder(request())).order.id
    call = stub.WatchOrder(pb.WatchOrderRequest(order_id=order_id))
    events = aiter(call)
    seen = [await anext(events)]
    progress = SqlProgress(engine)
    for sequence, status in ((1, "placed"), (2, "accepted")):
        await progress.advance(
            [Event(UUID(order_id), sequence, status, datetime.now(UTC))], datetime.now(UTC)
        )
    seen += [event async for event in events]
    assert [(e.sequence, e.status) for e in seen] == [
        (1, pb.STATUS_PLACED),
        (2, pb.STATUS_ACCEPTED),
        (3, pb.STATUS_SHIPPED),
    ]
    resumed = stub.WatchOrder(pb.WatchOrderRequest(order_id=order_id, after_sequence=1))
    assert [event async for event in resumed] == seen[1:]


async def test_a_watch_of_an_unknown_order_is_not_found(stub: Any) -> None:
    call = stub.WatchOrder(pb.WatchOrderRequest(order_id=str(uuid4())))
    with pytest.raises(aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() == StatusCode.NOT_FOUND


AS_C2 = (("x-figtree-user", "c-2"),)


async def test_a_verified_user_sees_nobody_elses_order(stub: Any) -> None:
    placed = await stub.PlaceOrder(request(), metadata=(("x-figtree-user", "c-1"),))
    get = pb.GetOrderRequest(order_id=placed.order.id)
    assert (await stub.GetOrder(get, metadata=(("x-figtree-user", "c-1"),))).order.id == placed.order.id
    code, text, _ = await refused(stub.GetOrder(get, metadata=AS_C2))
    assert (code, text) == (StatusCode.NOT_FOUND, f"there is no order {placed.order.id}")
    with pytest.raises(aio.AioRpcError, match="NOT_FOUND"):
        await stub.WatchOrder(pb.WatchOrderRequest(order_id=placed.order.id), metadata=AS_C2).read()
    for customer_id in ("", "c-1"):
        listed = await stub.ListOrders(pb.ListOrdersRequest(customer_id=customer_id), metadata=AS_C2)
        assert not listed.orders
    everybodys = await stub.ListOrders(pb.ListOrdersRequest(customer_id=""))
    assert len(everybodys.orders) == 1, "without a verified user nothing is hidden"


async def test_a_verified_user_orders_for_nobody_else(stub: Any) -> None:
    code, text, details = await refused(stub.PlaceOrder(request(), metadata=AS_C2))
    assert (code, text) == (StatusCode.PERMISSION_DENIED, "c-2 cannot order for c-1")
    assert details[0].reason == "NOT_YOURS"
    bulk = [
        pb.PlaceOrdersRequest(idempotency_key=key, order=new_order(customer=customer))
        for key, customer in (("a", "c-1"), ("b", "c-2"), ("c", "c-3"))
    ]
    answer = await stub.PlaceOrders(iter(bulk), metadata=AS_C2)
    assert [result.failure.reason for result in answer.results] == ["NOT_YOURS", "", "NOT_YOURS"]
    assert [result.idempotency_key for result in answer.results] == ["a", "b", "c"]
    assert answer.results[1].order.customer_id == "c-2"


async def test_a_batch_answers_each_order_in_its_place(stub: Any) -> None:
    orders = [
        request("1"),
        request("2", title="none"),
        request("1"),
        request("1", quantity=3),
        request("3"),
    ]
    answer = await stub.BatchPlaceOrders(pb.BatchPlaceOrdersRequest(orders=orders))
    found = [(r.idempotency_key, r.failure.reason, r.replayed) for r in answer.results]
    assert found == [
        ("1", "", False),
        ("2", "INVALID_ORDER", False),
        ("1", "", True),
        ("1", "IDEMPOTENCY_CONFLICT", False),
        ("3", "", False),
    ]
    assert answer.results[0].order.id == answer.results[2].order.id


async def test_a_batch_has_an_end(stub: Any) -> None:
    orders = [request(str(n)) for n in range(101)]
    code, _, _ = await refused(stub.BatchPlaceOrders(pb.BatchPlaceOrdersRequest(orders=orders)))
    assert code is StatusCode.INVALID_ARGUMENT


async def test_in_a_batch_nobody_orders_in_another_ones_name(stub: Any) -> None:
    orders = [request("1"), request("2", customer="c-2")]
    call = stub.BatchPlaceOrders(
        pb.BatchPlaceOrdersRequest(orders=orders), metadata=(("x-figtree-user", "c-2"),)
    )
    assert [r.failure.reason for r in (await call).results] == ["NOT_YOURS", ""]


async def test_an_order_priced_without_the_catalogue_says_which_rates_priced_it(
    stub: Any, pricing: Any
) -> None:
    assert not (await stub.PlaceOrder(request("before"))).HasField("degraded")
    at = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    pricing.degraded = Degraded(at, date(2026, 11, 20))
    alone = (await stub.PlaceOrder(request("alone"))).degraded
    assert (alone.titles_as_of.ToDatetime(UTC), alone.rate_date) == (at, "2026-11-20")
    batch = pb.BatchPlaceOrdersRequest(orders=[request("a"), request("b", title="new")])
    known, unknown = (await stub.BatchPlaceOrders(batch)).results
    assert known.degraded == alone
    assert unknown.failure.reason == "CATALOGUE_AWAY"
    code, text, _ = await refused(stub.PlaceOrder(request("c", title="new")))
    assert code is StatusCode.UNAVAILABLE
    assert "has not confirmed new before" in text
