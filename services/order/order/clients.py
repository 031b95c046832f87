"""Neighbours: prices and accounts."""

from collections.abc import Mapping, Sequence, Set
from datetime import date
from decimal import Decimal

from coalescing.cache import ShortCache
from common.wire import from_money, from_timestamp
from figtree.customer.v1 import customer_pb2
from figtree.customer.v1.customer_pb2_grpc import CustomerServiceStub
from figtree.pricing.v1 import pricing_pb2
from figtree.pricing.v1.pricing_pb2_grpc import PricingServiceStub
from grpc.aio import Channel
from service_kit.channel import answers_of

from order.domain import (
    Account,
    CatalogueAway,
    Degraded,
    InvalidOrder,
    NewOrder,
    Priced,
    PricedLine,
    Unavailable,
)

REASONS = {"CATALOGUE_AWAY": CatalogueAway}  # why pricing has no price, where it is not the order's fault


class RemotePricing:
    """Prices of the pricing service."""

    def __init__(self, channel: Channel) -> None:
        self._stub = PricingServiceStub(channel)

    async def price(self, orders: Sequence[NewOrder]) -> list[Priced | InvalidOrder | CatalogueAway]:
        """One call for all orders. Raises Unavailable."""
        with answers_of("pricing", Unavailable, REASONS):
            answer = await self._stub.BatchQuote(
                pricing_pb2.BatchQuoteRequest(baskets=map(_to_basket, orders))
            )
        return [_read_result(result) for result in answer.results]


def _to_basket(order: NewOrder) -> pricing_pb2.Basket:
    lines = [pricing_pb2.Line(title_id=line.title_id, quantity=line.quantity) for line in order.lines]
    return pricing_pb2.Basket(currency_code=order.currency, lines=lines)


def _read_result(result: pricing_pb2.QuoteResult) -> Priced | InvalidOrder | CatalogueAway:
    failure, quote = result.failure, result.quote
    if known := REASONS.get(failure.reason):
        return known(failure.message)
    if not result.HasField("quote"):
        return InvalidOrder([(v.field, v.description) for v in failure.violations])
    lines = tuple(
        PricedLine(line.title_id, line.quantity, from_money(line.unit_price), from_money(line.total))
        for line in quote.lines
    )
    if not quote.HasField("titles_as_of"):
        return Priced(lines)
    return Priced(lines, Degraded(from_timestamp(quote.titles_as_of), date.fromisoformat(quote.rate_date)))


class RemoteAccounts:
    """Accounts of the customer service, kept for a second."""

    def __init__(self, channel: Channel) -> None:
        self._stub = CustomerServiceStub(channel)
        self._known = ShortCache(self._fetch)

    async def find(self, customer_ids: Set[str]) -> Mapping[str, Account]:
        """The accounts that exist, by customer. Raises Unavailable."""
        return await self._known.get(customer_ids)

    async def _fetch(self, customer_ids: Sequence[str]) -> dict[str, Account]:
        request = customer_pb2.BatchGetCustomersRequest(customer_ids=customer_ids)
        with answers_of("customer", Unavailable):
            answer = await self._stub.BatchGetCustomers(request)
        return {customer.id: _read_account(customer) for customer in answer.customers}


def _read_account(customer: customer_pb2.Customer) -> Account:
    limit = customer.credit_limit if customer.HasField("credit_limit") else None
    return Account(
        Decimal(customer.discount_percent.value or "0"),
        from_money(limit) if limit else None,
        limit.currency_code if limit else "",
    )
