"""The same users over gRPC: one channel to each service, answers in REST's words for the same checks."""

import json
import os
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

import grpc
from figtree.money.v1.money_pb2 import Money
from figtree.order.v1 import order_pb2
from figtree.pricing.v1 import pricing_pb2
from grpc.experimental.gevent import init_gevent

from loadtests.answer import Answer, Failed, Wrong
from loadtests.baskets import Basket
from loadtests.client import MALFORMED, Scripted
from loadtests.pricing import STATUSES

S = TypeVar("S")
T = TypeVar("T")
NANO = Decimal("0.000000001")
PORT = 50051

init_gevent()  # gRPC waits with gevent, not instead of it


@cache
def channel(service: str, host: str) -> grpc.Channel:
    """To `service`; through `host` if there is one, a sidecar's way out (host:port), else by name."""
    options: list[tuple[str, object]] = [("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0)]
    if "=" in host:  # title=127.0.0.1:1,order=127.0.0.1:2: addresses of their own
        return grpc.insecure_channel(dict(one.split("=") for one in host.split(","))[service], options)
    if host:
        options.append(("grpc.default_authority", f"{service}:{PORT}"))
    return grpc.insecure_channel(host or f"{service}:{PORT}", options)


class RpcCaller(Scripted):
    abstract = True

    def stub(self, kind: Callable[[grpc.Channel], S], service: str) -> S:
        return kind(channel(service, os.environ.get("GRPC", "")))

    def call(
        self, name: str, ask: Callable[[], Any], check: Callable[[Any], T], code: str = "OK"
    ) -> T | None:
        """What the check returns; None if the call failed or the answer is wrong, which is counted."""
        begun, result, error = time.perf_counter(), None, None
        try:
            result = check(answered(ask, code))
        except (Wrong, Failed) as problem:
            error = problem
        except MALFORMED as problem:
            error = Wrong(f"malformed: {problem!r}")
        if error is not None:
            self.shared.recorder.detail(name, "gRPC", name, 0, error, b"")
        self.environment.events.request.fire(
            request_type="gRPC",
            name=name,
            response_time=(time.perf_counter() - begun) * 1000,
            response_length=0,
            exception=error,
            context={},
        )
        return result if error is None else None


def answered(ask: Callable[[], Any], code: str) -> Any:
    """The answer, or the words of the status that was expected instead of one."""
    try:
        answer = ask()
    except grpc.RpcError as error:
        if error.code().name == code:
            return error.details()
        raise Failed(f"{error.code().name}: {error.details()}") from error
    if code != "OK":
        raise Wrong(f"answered instead of refused with {code}")
    return answer


def as_answer(content: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(content).encode(), {})


def amount(money: Money) -> str:
    return f"{money.units + money.nanos * NANO:f}"


def order(found: order_pb2.Order) -> dict[str, Any]:
    at = found.create_time.ToDatetime().isoformat(timespec="microseconds") + "Z"
    return {
        "id": found.id,
        "customer_id": found.customer_id,
        "status": STATUSES[found.status - 1],
        "currency": found.total.currency_code,
        "lines": [
            {
                "title_id": line.title_id,
                "quantity": line.quantity,
                "unit_price": amount(line.unit_price),
                "total": amount(line.total),
            }
            for line in found.lines
        ],
        "discount_percent": found.discount_percent.value,
        "total": amount(found.total),
        "created_at": at,
    }


def quote(found: pricing_pb2.Quote) -> dict[str, Any]:
    return {
        "currency": found.total.currency_code,
        "rate_date": found.rate_date,
        "total": amount(found.total),
        "lines": [
            {
                "title_id": line.title_id,
                "quantity": line.quantity,
                "list_price": {
                    "amount": amount(line.list_price),
                    "currency": line.list_price.currency_code,
                },
                "discount_percent": line.discount_percent.value,
                "unit_price": amount(line.unit_price),
                "total": amount(line.total),
            }
            for line in found.lines
        ],
    }


def new_order(customer: str, basket: Basket) -> order_pb2.NewOrder:
    lines = [order_pb2.Line(title_id=title_id, quantity=quantity) for title_id, quantity in basket.lines]
    return order_pb2.NewOrder(customer_id=customer, currency_code=basket.currency, lines=lines)


def to_basket(basket: Basket) -> pricing_pb2.Basket:
    lines = [pricing_pb2.Line(title_id=title_id, quantity=quantity) for title_id, quantity in basket.lines]
    return pricing_pb2.Basket(currency_code=basket.currency, lines=lines)


def requests(wanted: list[tuple[str, str, Basket]]) -> Iterator[order_pb2.PlaceOrdersRequest]:
    for customer, key, basket in wanted:
        yield order_pb2.PlaceOrdersRequest(idempotency_key=key, order=new_order(customer, basket))
