"""Prices and quantity breaks in this service's own database; each call is one statement."""

from collections.abc import Mapping, Set
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from pricing.database import rows
from pricing.domain import ListPrice, PriceList

FIND = text("""
    select title_id, currency, amount, null as minimum
    from list_prices where title_id = any(cast(:ids as text[]))
    union all select null, null, percent, minimum_quantity from price_breaks
""")
PUT_PRICES = text("""
    insert into list_prices (title_id, currency, amount)
    select * from unnest(cast(:ids as text[]), cast(:currencies as text[]), cast(:amounts as numeric[]))
    on conflict (title_id) do update
    set currency = excluded.currency, amount = excluded.amount, updated_at = now()
""")
PUT_BREAKS = text("""
    insert into price_breaks (minimum_quantity, percent)
    select * from unnest(cast(:minimums as int[]), cast(:percents as numeric[]))
    on conflict (minimum_quantity) do update set percent = excluded.percent
""")


class SqlPrices:
    """Prices in PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, title_ids: Set[str]) -> PriceList:
        """List prices of the titles, and every quantity break."""
        prices: dict[str, ListPrice] = {}
        breaks: dict[int, Decimal] = {}
        for title_id, currency, amount, minimum in await rows(self._engine, FIND, {"ids": list(title_ids)}):
            if minimum is None:
                prices[title_id] = ListPrice(amount, currency)
            else:
                breaks[minimum] = amount
        return PriceList(prices, breaks)

    async def put_prices(self, prices: Mapping[str, ListPrice]) -> None:
        """Insert or replace list prices."""
        columns = {
            "ids": list(prices),
            "currencies": [price.currency for price in prices.values()],
            "amounts": [price.amount for price in prices.values()],
        }
        await rows(self._engine, PUT_PRICES, columns)

    async def put_breaks(self, breaks: Mapping[int, Decimal]) -> None:
        """Insert or replace quantity breaks."""
        await rows(self._engine, PUT_BREAKS, {"minimums": list(breaks), "percents": list(breaks.values())})
