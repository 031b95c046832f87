"""Proto to domain and back, and what an error is called on the wire."""

from collections.abc import AsyncIterator

from common.wire import to_decimal, to_money, to_timestamp
from figtree.pricing.v1 import pricing_pb2 as pb
from figtree.pricing.v1.pricing_pb2_grpc import PricingServiceServicer
from grpc import StatusCode
from grpc.aio import ServicerContext
from service_kit.digest import content_digest
from service_kit.errors import StatusTable, reason_of

from pricing.domain import Basket, CatalogueAway, InvalidBasket, Line, PricedLine, Quote, Unavailable
from pricing.service import Quoting

SERVICE = "figtree.pricing.v1.PricingService"
STATUS: StatusTable = {
    InvalidBasket: StatusCode.INVALID_ARGUMENT,
    Unavailable: StatusCode.UNAVAILABLE,
}


def from_basket(basket: pb.Basket) -> Basket:
    """The one mapping from the contract to a basket."""
    return Basket(basket.currency_code, tuple(Line(line.title_id, line.quantity) for line in basket.lines))


def to_quote(quote: Quote) -> pb.Quote:
    """The one mapping from a quote to the contract."""
    return pb.Quote(
        lines=[_line(line, quote.currency) for line in quote.lines],
        total=to_money(quote.total, quote.currency),
        rate_date=quote.rate_date.isoformat(),
        titles_as_of=None if quote.titles_as_of is None else to_timestamp(quote.titles_as_of),
    )


def _line(line: PricedLine, currency: str) -> pb.PricedLine:
    return pb.PricedLine(
        title_id=line.title_id,
        quantity=line.quantity,
        list_price=to_money(line.list_price.amount, line.list_price.currency),
        discount_percent=to_decimal(line.discount_percent),
        unit_price=to_money(line.unit_price, currency),
        total=to_money(line.total, currency),
    )


def to_result(result: Quote | InvalidBasket | CatalogueAway) -> pb.QuoteResult:
    """The result of one basket of many."""
    if isinstance(result, Quote):
        return pb.QuoteResult(quote=to_quote(result))
    wrong = result.violations if isinstance(result, InvalidBasket) else ()
    violations = [pb.FieldViolation(field=f, description=d) for f, d in wrong]
    failure = pb.Failure(reason=reason_of(result), message=str(result), violations=violations)
    return pb.QuoteResult(failure=failure)


class PricingServicer(PricingServiceServicer):
    """The gRPC surface; pricing.proto documents the methods."""

    def __init__(self, quoting: Quoting) -> None:
        self._quoting = quoting
        self._header = (("figtree-ruleset", quoting.rules.name),)

    # The header leaves with the first result: a proxy can only retry what has not begun to answer.

    async def Quote(
        self, request: pb.QuoteRequest, context: ServicerContext[pb.QuoteRequest, pb.QuoteResponse]
    ) -> pb.QuoteResponse:
        """The quote of one basket."""
        quote = await self._quoting.quote(from_basket(request.basket))
        response = pb.QuoteResponse(quote=to_quote(quote))
        await context.send_initial_metadata((*self._header, content_digest(response)))
        return response

    async def BatchQuote(
        self,
        request: pb.BatchQuoteRequest,
        context: ServicerContext[pb.BatchQuoteRequest, pb.BatchQuoteResponse],
    ) -> pb.BatchQuoteResponse:
        """One result per basket, in its place."""
        results = await self._quoting.quote_many([from_basket(basket) for basket in request.baskets])
        response = pb.BatchQuoteResponse(results=map(to_result, results))
        await context.send_initial_metadata((*self._header, content_digest(response)))
        return response

    async def QuoteStream(
        self,
        request_iterator: AsyncIterator[pb.QuoteStreamRequest],
        context: ServicerContext[pb.QuoteStreamRequest, pb.QuoteStreamResponse],
    ) -> AsyncIterator[pb.QuoteStreamResponse]:
        """A result for each revision of a basket, as it comes."""
        begun = False
        async for request in request_iterator:
            (result,) = await self._quoting.quote_many([from_basket(request.basket)])
            if not begun:
                await context.send_initial_metadata(self._header)
                begun = True
            yield pb.QuoteStreamResponse(revision=request.revision, result=to_result(result))
