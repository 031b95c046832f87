"""The real adapters against neighbours that speak real gRPC."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from figtree.customer.v1 import customer_pb2
from figtree.customer.v1.customer_pb2_grpc import (
    CustomerServiceServicer,
    add_CustomerServiceServicer_to_server,
)
from figtree.money.v1.money_pb2 import Decimal as WireDecimal
from figtree.money.v1.money_pb2 import Money
from figtree.pricing.v1 import pricing_pb2
from figtree.pricing.v1.pricing_pb2_grpc import PricingServiceServicer, add_PricingServiceServicer_to_server
from grpc import StatusCode, aio
from order.clients import RemoteAccounts, RemotePricing
from order.domain import Account, InvalidOrder, Line, NewOrder, Unavailable
from service_kit.channel import open_channel


class Pricing(PricingServiceServicer):
    Quote = QuoteStream = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.is_down = False

    async def BatchQuote(self, request: Any, context: Any) -> pricing_pb2.BatchQuoteResponse:  # noqa: N802
        if self.is_down:
            await context.abort(StatusCode.PERMISSION_DENIED, "RBAC: access denied")
        return pricing_pb2.BatchQuoteResponse(results=map(self._result, request.baskets))

    def _result(self, basket: pricing_pb2.Basket) -> pricing_pb2.QuoteResult:
        if basket.currency_code == "XXX":
            violation = pricing_pb2.FieldViolation(field="currency", description="XXX has no rate")
            return pricing_pb2.QuoteResult(failure=pricing_pb2.Failure(violations=[violation]))
        lines = [
            pricing_pb2.PricedLine(
                title_id=line.title_id,
                quantity=line.quantity,
                unit_price=Money(currency_code=basket.currency_code, units=9, nanos=40_000_000),
                total=Money(currency_code=basket.currency_code, units=18, nanos=80_000_000),
            )
            for line in basket.lines
        ]
        return pricing_pb2.QuoteResult(quote=pricing_pb2.Quote(lines=lines))


class Customers(CustomerServiceServicer):
    GetCustomer = None  # type: ignore[assignment]

    async def BatchGetCustomers(self, request: Any, context: Any) -> Any:  # noqa: N802
        gold = customer_pb2.Customer(
            id="gold",
            discount_percent=WireDecimal(value="7.5"),
            credit_limit=Money(currency_code="EUR", units=1_000),
        )
        return customer_pb2.BatchGetCustomersResponse(
            customers=[gold] if "gold" in request.customer_ids else []
        )


@pytest.fixture
def neighbour() -> Pricing:
    return Pricing()


@pytest.fixture
async def channel(neighbour: Pricing, tmp_path: Path) -> AsyncIterator[aio.Channel]:
    server = aio.server()
    add_PricingServiceServicer_to_server(neighbour, server)
    add_CustomerServiceServicer_to_server(Customers(), server)
    server.add_insecure_port(f"unix:{tmp_path}/s")
    await server.start()
    async with open_channel(f"unix:{tmp_path}/s") as opened:
        yield opened
    await server.stop(None)


async def test_prices_come_exact_and_a_bad_order_fails_alone(channel: aio.Channel) -> None:
    orders = [NewOrder("c", currency, (Line("t", 2),)) for currency in ("EUR", "XXX")]
    good, bad = await RemotePricing(channel).price(orders)
    assert not isinstance(good, InvalidOrder)
    assert [str(good[0].unit_price), str(good[0].total)] == ["9.04", "18.08"]
    assert isinstance(bad, InvalidOrder)
    assert bad.violations == (("currency", "XXX has no rate"),)


async def test_any_failure_of_the_neighbour_is_unavailable(channel: aio.Channel, neighbour: Pricing) -> None:
    neighbour.is_down = True
    with pytest.raises(Unavailable, match="pricing does not answer"):
        await RemotePricing(channel).price([NewOrder("c", "EUR", (Line("t", 2),))])


async def test_accounts_are_those_that_exist(channel: aio.Channel) -> None:
    found = await RemoteAccounts(channel).find({"gold", "nobody"})
    assert found == {"gold": Account(Decimal("7.5"), Decimal("1000.00"), "EUR")}
