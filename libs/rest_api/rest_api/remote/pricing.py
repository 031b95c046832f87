from collections.abc import Sequence
from datetime import date

from common.wire import from_decimal, from_money, from_timestamp
from figtree.pricing.v1 import pricing_pb2 as pb
from figtree.pricing.v1.pricing_pb2_grpc import PricingServiceStub
from grpc.aio import Channel

from rest_api.errors import EdgeError, Invalid, Unavailable
from rest_api.models import Basket, Money, PricedLine, Quote
from rest_api.remote.errors import translating


def to_proto(basket: Basket) -> pb.Basket:
    """The one mapping from REST to the contract."""
    lines = [pb.Line(title_id=line.title_id, quantity=line.quantity) for line in basket.lines]
    return pb.Basket(currency_code=basket.currency, lines=lines)


def from_proto(quote: pb.Quote) -> Quote:
    """The one mapping from the contract to REST."""
    return Quote(
        currency=quote.total.currency_code,
        lines=tuple(map(_line, quote.lines)),
        total=from_money(quote.total),
        rate_date=date.fromisoformat(quote.rate_date),
        titles_as_of=from_timestamp(quote.titles_as_of) if quote.HasField("titles_as_of") else None,
    )


def _line(line: pb.PricedLine) -> PricedLine:
    return PricedLine(
        title_id=line.title_id,
        quantity=line.quantity,
        list_price=Money(amount=from_money(line.list_price), currency=line.list_price.currency_code),
        discount_percent=from_decimal(line.discount_percent),
        unit_price=from_money(line.unit_price),
        total=from_money(line.total),
    )


class RemotePricing:
    """The port of pricing, over gRPC."""

    def __init__(self, channel: Channel) -> None:
        self._stub = PricingServiceStub(channel)

    async def quote(self, basket: Basket) -> Quote:
        """Raises Invalid."""
        with translating():
            return from_proto((await self._stub.Quote(pb.QuoteRequest(basket=to_proto(basket)))).quote)

    async def batch_quote(self, baskets: Sequence[Basket]) -> Sequence[Quote | EdgeError]:
        """One answer per basket in its place; a bad basket fails alone."""
        with translating():
            answer = await self._stub.BatchQuote(pb.BatchQuoteRequest(baskets=map(to_proto, baskets)))
        return [_result(result) for result in answer.results]


def _result(result: pb.QuoteResult) -> Quote | EdgeError:
    if result.HasField("quote"):
        return from_proto(result.quote)
    if result.failure.reason == "CATALOGUE_AWAY":
        return Unavailable(result.failure.message)
    return Invalid([(v.field, v.description) for v in result.failure.violations])
