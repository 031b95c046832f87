"""The real adapters against neighbours that speak real gRPC."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from common.wire import to_timestamp
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
from order.__main__ import CONVENTIONS
from order.clients import RemoteAccounts, RemotePricing
from order.domain import (
    Account,
    CatalogueAway,
    Degraded,
    InvalidOrder,
    Line,
    NewOrder,
    Priced,
    Unavailable,
)
from order.servicer import STATUS
from service_kit.channel import open_channel
from service_kit.errors import ErrorInterceptor

AS_OF = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


class Pricing(PricingServiceServicer):
    Quote = QuoteStream = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.is_down = False
        self.raises: Exception | None = None
        self.titles_as_of: datetime | None = None

    async def BatchQuote(self, request: Any, context: Any) -> pricing_pb2.BatchQuoteResponse:  # noqa: N802
        if self.is_down:
            await context.abort(StatusCode.PERMISSION_DENIED, "RBAC: access denied")
        if self.raises:
            raise self.raises
        return pricing_pb2.BatchQuoteResponse(results=map(self._result, request.baskets))

    def _result(self, basket: pricing_pb2.Basket) -> pricing_pb2.QuoteResult:
        if basket.currency_code == "XXX":
            violation = pricing_pb2.FieldViolation(field="currency", description="XXX has no rate")
            return pricing_pb2.QuoteResult(failure=pricing_pb2.Failure(violations=[violation]))
        if self.titles_as_of and basket.lines[0].title_id == "new":
            failure = pricing_pb2.Failure(reason="CATALOGUE_AWAY", message="no catalogue")
            return pricing_pb2.QuoteResult(failure=failure)
        lines = [
            pricing_pb2.PricedLine(
                title_id=line.title_id,
                quantity=line.quantity,
                unit_price=Money(currency_code=basket.currency_code, units=9, nanos=40_000_000),
                total=Money(currency_code=basket.currency_code, units=18, nanos=80_000_000),
            )
            for line in basket.lines
        ]
        as_of = to_timestamp(self.titles_as_of) if self.titles_as_of else None
        quote = pricing_pb2.Quote(lines=lines, rate_date="2026-11-20", titles_as_of=as_of)
        return pricing_pb2.QuoteResult(quote=quote)


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
    server = aio.server(interceptors=[ErrorInterceptor(STATUS, CONVENTIONS)])
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
    assert isinstance(good, Priced)
    assert [str(good.lines[0].unit_price), str(good.lines[0].total)] == ["9.04", "18.08"]
    assert good.degraded is None
    assert isinstance(bad, InvalidOrder)
    assert bad.violations == (("currency", "XXX has no rate"),)


async def test_prices_without_the_catalogue_say_so_and_an_order_without_a_price_fails_alone(
    channel: aio.Channel, neighbour: Pricing
) -> None:
    neighbour.titles_as_of = AS_OF
    orders = [NewOrder("c", "EUR", (Line(title, 2),)) for title in ("t", "new")]
    priced, unpriced = await RemotePricing(channel).price(orders)
    assert isinstance(priced, Priced)
    assert priced.degraded == Degraded(AS_OF, date(2026, 11, 20))
    assert isinstance(unpriced, CatalogueAway)
    assert str(unpriced) == "no catalogue"


async def test_pricing_without_the_catalogue_is_told_from_a_pricing_that_does_not_answer(
    channel: aio.Channel, neighbour: Pricing
) -> None:
    neighbour.raises = CatalogueAway("the catalogue does not answer")
    with pytest.raises(CatalogueAway, match="the catalogue does not answer"):
        await RemotePricing(channel).price([NewOrder("c", "EUR", (Line("t", 2),))])


async def test_any_failure_of_the_neighbour_is_unavailable(channel: aio.Channel, neighbour: Pricing) -> None:
    neighbour.is_down = True
    with pytest.raises(Unavailable, match="pricing does not answer"):
        await RemotePricing(channel).price([NewOrder("c", "EUR", (Line("t", 2),))])


async def test_accounts_are_those_that_exist(channel: aio.Channel) -> None:
    found = await RemoteAccounts(channel).find({"gold", "nobody"})
    assert found == {"gold": Account(Decimal("7.5"), Decimal("1000.00"), "EUR")}
