"""Who may call what: permission for each method."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from figtree.currency.v1 import currency_pb2, currency_pb2_grpc
from figtree.customer.v1 import customer_pb2, customer_pb2_grpc
from figtree.order.v1 import order_pb2, order_pb2_grpc
from figtree.pricing.v1 import pricing_pb2, pricing_pb2_grpc
from figtree.title.v1 import title_pb2, title_pb2_grpc
from google.protobuf.message import Message
from grpc import StatusCode, aio
from runtime.calls import channel, status_of

from scenes.engine.scene import Scene
from scenes.engine.stage import Stage
from scenes.groups.routing import QUOTE
from scenes.groups.security.mtls import SERVICES

CALLERS = tuple(f"security/{service}-callers.yaml" for service in SERVICES)


@dataclass(frozen=True, slots=True)
class Method:
    callee: str
    name: str
    stub: Callable[[aio.Channel], object]
    request: Message
    allowed: tuple[str, ...]


PRICING, CUSTOMER = pricing_pb2_grpc.PricingServiceStub, customer_pb2_grpc.CustomerServiceStub
TITLE, CURRENCY = title_pb2_grpc.TitleServiceStub, currency_pb2_grpc.CurrencyServiceStub
ORDER = order_pb2_grpc.OrderServiceStub
METHODS = (
    Method("pricing", "Quote", PRICING, pricing_pb2.QuoteRequest(), ("gateway",)),
    Method("pricing", "BatchQuote", PRICING, pricing_pb2.BatchQuoteRequest(), ("order",)),
    Method("customer", "GetCustomer", CUSTOMER, customer_pb2.GetCustomerRequest(), ("gateway",)),
    Method("customer", "BatchGetCustomers", CUSTOMER, customer_pb2.BatchGetCustomersRequest(), ("order",)),
    Method("title", "GetTitle", TITLE, title_pb2.GetTitleRequest(), ("gateway",)),
    Method("title", "BatchGetTitles", TITLE, title_pb2.BatchGetTitlesRequest(), ("gateway", "pricing")),
    Method("currency", "GetRates", CURRENCY, currency_pb2.GetRatesRequest(), ("gateway", "pricing")),
    Method("order", "ListOrders", ORDER, order_pb2.ListOrdersRequest(), ("gateway",)),
)
OTHER_SPELLINGS = (
    "/figtree.order.v1.OrderService%2FListOrders",
    "//figtree.order.v1.OrderService//ListOrders",
    "/./figtree.order.v1.OrderService/ListOrders",
    "/figtree.order.v1.OrderService/ListOrders/",
    "/figtree.order.v1.OrderService/ListOrders;v=1",
    "/figtree.order.v1.OrderService/x/%2e%2e/ListOrders",
    "/FIGTREE.ORDER.V1.ORDERSERVICE/LISTORDERS",
)


@dataclass(slots=True)
class Round:
    """One call of every method by everybody: denials by callee, as callers and as sidecars count them."""

    wrong: list[str]
    refused: Counter[str]
    counted: Counter[str]


async def _everybody_calls_everything(stage: Stage) -> Round:
    done = Round([], Counter(), Counter())
    before = {service: await stage.counted(service, "rbac.denied") for service in SERVICES}

    async def ask(caller: str, callee: str) -> None:
        async with channel(stage.runtime, caller, callee) as opened:
            for method in (m for m in METHODS if m.callee == callee):
                status = await status_of(getattr(method.stub(opened), method.name)(method.request, timeout=5))
                denied = status is StatusCode.PERMISSION_DENIED
                done.refused[callee] += denied
                if denied == (caller in method.allowed):
                    done.wrong.append(f"{caller} calls {callee}.{method.name}: {status.name}")

    await asyncio.gather(
        *(ask(*pair) for pair in product(("gateway", *SERVICES), SERVICES) if pair[0] != pair[1])
    )
    for service in SERVICES:
        done.counted[service] = round(await stage.counted(service, "rbac.denied") - before[service])
    return done


async def authorization(stage: Stage) -> None:
    await stage.apply(*CALLERS)
    # A connection that was open before keeps its old permissions until its next answer: so at most a few rounds.
    for _ in range(3):
        if not (done := await _everybody_calls_everything(stage)).wrong:
            break
    stage.expect(
        not done.wrong,
        f"{len(done.wrong)} calls are allowed or denied against the policies"
        + "".join(f"; {w}" for w in done.wrong),
    )
    for service, count in done.refused.items():
        stage.figure(f"denied by the sidecar of {service}", count, "calls")
        stage.expect(
            done.counted[service] == count,
            f"{service}: {count} callers were told PERMISSION_DENIED, its counter says {done.counted[service]}",
        )
    async with channel(stage.runtime, "pricing", "order") as opened:
        for path in OTHER_SPELLINGS:
            call: aio.UnaryUnaryMultiCallable[bytes, bytes] = opened.unary_unary(path)
            status = await status_of(call(b"", timeout=5))
            stage.expect(
                status is StatusCode.PERMISSION_DENIED, f"pricing calls {path} of order: {status.name}"
            )
    quotes = await stage.burst("POST", "/api/quotes", 20, **QUOTE)
    stage.expect(quotes.good == 20, f"{quotes.good} of 20 requests of users are answered as before")
    for method in METHODS:
        stage.figure(f"{method.callee}.{method.name} may be called by", " and ".join(method.allowed))


SCENES = (
    Scene(
        name="authorization",
        group="security",
        title="Who may call what, method by method",
        says="Being in the mesh is not enough: each service names who may call which of its methods.",
        hypothesis="Of all callers and methods exactly the pairs that the policies name get through; the rest is denied"
        " by the callee's sidecar.",
        act=authorization,
        manifests=CALLERS,
    ),
)
