from datetime import date
from decimal import Decimal

from common.money import at_smallest_unit
from rest_api.errors import Invalid, Unavailable
from rest_api.models import Conversion, Money, RateTable
from sqlalchemy import func, select

from monolith.currency.rules import covers, cross_rate, exchanged, shown
from monolith.currency.tables import rates
from monolith.database import Database


class LocalCurrencies:
    """The port of currencies, on the own database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rates(self, on: date | None) -> RateTable:
        """The newest table that is not newer than the day. Raises Invalid before the first day."""
        bounds = select(
            func.min(rates.c.date).label("first"), func.max(rates.c.date).label("last")
        ).subquery()
        day = select(func.max(rates.c.date)).where(rates.c.date <= on) if on else select(bounds.c.last)
        found = await self._database.rows(
            select(rates, bounds)
            .select_from(bounds)
            .join(rates, rates.c.date == day.scalar_subquery(), isouter=True)
        )
        first, last = found[0].first, found[0].last
        if first is None:
            raise Unavailable("no rates are known yet")
        if on and not covers(first, last, on):
            raise Invalid([("date", f"rates are known from {first} to {last}")])
        table = {row.currency: row.rate for row in found} | {"EUR": Decimal(1)}
        return RateTable(date=found[0].date, rates=dict(sorted(table.items())))

    async def convert(self, amount: Decimal, source: str, target: str, on: date | None) -> Conversion:
        """The amount in the target currency. Raises Invalid if a currency has no rate on that day."""
        table = await self.rates(on)
        missing = [
            (field, f"{currency} has no rate on {table.date}")
            for field, currency in (("from", source), ("to", target))
            if currency not in table.rates
        ]
        if missing:
            raise Invalid(missing)
        rate = cross_rate(table.rates[source], table.rates[target])
        return Conversion(
            amount=Money(amount=at_smallest_unit(amount, source), currency=source),
            result=Money(amount=exchanged(amount, rate, target), currency=target),
            rate=shown(rate),
            date=table.date,
        )
