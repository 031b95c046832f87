from datetime import date
from decimal import Decimal

from common.money import at_smallest_unit
from common.wire import from_decimal, from_money, to_money
from figtree.currency.v1 import currency_pb2 as pb
from figtree.currency.v1.currency_pb2_grpc import CurrencyServiceStub
from grpc.aio import Channel

from rest_api.models import Conversion, Money, RateTable
from rest_api.remote.errors import translating


class RemoteCurrencies:
    """The port of currencies, over gRPC."""

    def __init__(self, channel: Channel) -> None:
        self._stub = CurrencyServiceStub(channel)

    async def rates(self, on: date | None) -> RateTable:
        """Raises Invalid for a day without rates."""
        with translating():
            table = await self._stub.GetRates(pb.GetRatesRequest(date=on.isoformat() if on else ""))
        rates = {rate.currency_code: from_decimal(rate.rate) for rate in table.rates}
        return RateTable(date=date.fromisoformat(table.date), rates=rates)

    async def convert(self, amount: Decimal, source: str, target: str, on: date | None) -> Conversion:
        """Raises Invalid for a currency or a day without a rate."""
        request = pb.ConvertRequest(
            amount=to_money(amount, source), to_currency_code=target, date=on.isoformat() if on else ""
        )
        with translating():
            answer = await self._stub.Convert(request)
        return Conversion(
            amount=Money(amount=at_smallest_unit(amount, source), currency=source),
            result=Money(amount=from_money(answer.result), currency=target),
            rate=from_decimal(answer.rate),
            date=date.fromisoformat(answer.date),
        )
