from datetime import date
from decimal import Decimal

from rest_api.models import Conversion, RateTable
from rest_api.ports import Currencies

from monolith.seams.placement import LocalOrRemote


class SwitchableCurrencies(LocalOrRemote[Currencies]):
    """The port of currencies, answered by the module or by its service."""

    async def rates(self, on: date | None) -> RateTable:
        return await self().rates(on)

    async def convert(self, amount: Decimal, source: str, target: str, on: date | None) -> Conversion:
        return await self().convert(amount, source, target, on)
