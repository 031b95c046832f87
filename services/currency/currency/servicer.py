"""Messages to values and back, and the one table of errors."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from common.conventions import MIRRORED
from common.wire import NANO, to_decimal, to_money
from figtree.currency.v1 import currency_pb2 as pb
from figtree.currency.v1.currency_pb2_grpc import CurrencyServiceServicer
from figtree.money.v1 import money_pb2
from grpc import StatusCode
from grpc.aio import ServicerContext
from service_kit.digest import content_digest

from currency import domain
from currency.domain import Conversion, InvalidRequest, NoRates, NotTheWriter, StorageUnavailable
from currency.service import BATCH, Exchange, Wanted

M = TypeVar("M", pb.GetRatesResponse, pb.ConvertResponse, pb.BatchConvertResponse)
SERVICE = pb.DESCRIPTOR.services_by_name["CurrencyService"].full_name

STATUS: Mapping[type[Exception], StatusCode] = {
    InvalidRequest: StatusCode.INVALID_ARGUMENT,
    NoRates: StatusCode.UNAVAILABLE,
    NotTheWriter: StatusCode.ABORTED,
    StorageUnavailable: StatusCode.UNAVAILABLE,
}


def exactly(money: money_pb2.Money) -> Decimal:
    """The amount. Raises InvalidRequest if units and nanos contradict each other."""
    if abs(money.nanos) > 999_999_999 or money.units * money.nanos < 0:
        raise InvalidRequest([("amount", "must have nanos below one unit and of the same sign as units")])
    return money.units + money.nanos * NANO


def from_proto(request: pb.ConvertRequest) -> Wanted:
    """The one mapping from the contract to a conversion. Raises InvalidRequest."""
    return Wanted(
        amount=exactly(request.amount),
        source=request.amount.currency_code,
        target=request.to_currency_code,
        on=domain.day_from(request.date),
    )


def to_proto(conversion: Conversion, currency: str) -> pb.ConvertResponse:
    """The one mapping from a conversion to the contract."""
    return pb.ConvertResponse(
        result=to_money(conversion.result, currency),
        rate=to_decimal(conversion.rate),
        date=conversion.date.isoformat(),
    )


class CurrencyServicer(CurrencyServiceServicer):
    """The gRPC surface; currency.proto documents the methods."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def GetRates(
        self, request: pb.GetRatesRequest, context: ServicerContext[pb.GetRatesRequest, pb.GetRatesResponse]
    ) -> pb.GetRatesResponse:
        """The rates of a day."""
        table = await self._exchange.table(domain.day_from(request.date))
        rates = (pb.Rate(currency_code=code, rate=to_decimal(rate)) for code, rate in table.rates.items())
        return await _named(pb.GetRatesResponse(date=table.date.isoformat(), rates=rates), context)

    async def Convert(
        self, request: pb.ConvertRequest, context: ServicerContext[pb.ConvertRequest, pb.ConvertResponse]
    ) -> pb.ConvertResponse:
        """One conversion."""
        conversion = await self._exchange.convert(from_proto(request))
        return await _named(to_proto(conversion, request.to_currency_code), context)

    async def BatchConvert(
        self,
        request: pb.BatchConvertRequest,
        context: ServicerContext[pb.BatchConvertRequest, pb.BatchConvertResponse],
    ) -> pb.BatchConvertResponse:
        """Many conversions; the first invalid one fails the call."""
        if len(request.conversions) > BATCH:
            raise InvalidRequest([("conversions", f"must be at most {BATCH}")])
        wanted = [_read_request(place, one) for place, one in enumerate(request.conversions)]
        found = await self._exchange.batch_convert(wanted)
        answers = (to_proto(one, want.target) for one, want in zip(found, wanted, strict=True))
        return await _named(pb.BatchConvertResponse(conversions=answers), context)


async def _named(answer: M, context: ServicerContext[Any, Any]) -> M:
    """The answer; its digest goes ahead of it where a mirror has marked the request."""
    if any(name == MIRRORED for name, _ in context.invocation_metadata() or ()):
        await context.send_initial_metadata((content_digest(answer),))
    return answer


def _read_request(place: int, request: pb.ConvertRequest) -> Wanted:
    try:
        return from_proto(request)
    except InvalidRequest as error:
        raise error.inside(f"conversions[{place}]") from None
