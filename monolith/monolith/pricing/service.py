import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rest_api.errors import EdgeError, Invalid
from rest_api.models import Basket, Money, Quote, RateTable, Title
from rest_api.ports import Currencies, Titles
from sqlalchemy import func, literal, null, select, union_all

from monolith.database import Database
from monolith.pricing.rules import percent_off, priced
from monolith.pricing.tables import list_prices, price_breaks
from monolith.settings import Ruleset


@dataclass(frozen=True, slots=True)
class LocalPricing:
    """The port of pricing, on the own database."""

    database: Database
    titles: Titles
    currencies: Currencies
    ruleset: Ruleset

    async def quote(self, basket: Basket) -> Quote:
        """The price of the basket. Raises Invalid if a title or the currency is unknown."""
        answer = (await self.batch_quote([basket]))[0]
        if isinstance(answer, EdgeError):
            raise answer
        return answer

    async def batch_quote(self, baskets: Sequence[Basket]) -> Sequence[Quote | EdgeError]:
        """One call to each neighbour, however many baskets there are."""
        ids = sorted({line.title_id for basket in baskets for line in basket.lines})
        titles, rates, (prices, breaks) = await asyncio.gather(
            self.titles.batch_get(ids), self.currencies.rates(None), self._prices(ids)
        )
        return [self._price_basket(basket, titles, rates, prices, breaks) for basket in baskets]

    async def _prices(self, ids: Sequence[str]) -> tuple[dict[str, Money], dict[int, Decimal]]:
        found = await self.database.rows(
            union_all(
                select(
                    list_prices.c.title_id,
                    list_prices.c.currency,
                    list_prices.c.amount,
                    literal(0).label("minimum_quantity"),
                ).where(list_prices.c.title_id == func.any(list(ids))),
                select(null(), null(), price_breaks.c.percent, price_breaks.c.minimum_quantity),
            )
        )
        prices = {r.title_id: Money(amount=r.amount, currency=r.currency) for r in found if r.title_id}
        return prices, {r.minimum_quantity: r.amount for r in found if not r.title_id}

    def _price_basket(
        self,
        basket: Basket,
        titles: Mapping[str, Title],
        rates: RateTable,
        prices: Mapping[str, Money],
        breaks: Mapping[int, Decimal],
    ) -> Quote | EdgeError:
        if wrong := _violations(basket, titles, rates, prices):
            return Invalid(wrong)
        lines = tuple(
            priced(
                line,
                prices[line.title_id],
                percent_off(line.quantity, breaks, self.ruleset),
                rates.rates,
                basket.currency,
                self.ruleset,
            )
            for line in basket.lines
        )
        total = sum((line.total for line in lines), Decimal(0))
        return Quote(currency=basket.currency, lines=lines, total=total, rate_date=rates.date)


def _violations(
    basket: Basket, titles: Mapping[str, Title], rates: RateTable, prices: Mapping[str, Money]
) -> list[tuple[str, str]]:
    """All of them, the currency first, then line by line; quantities are checked by the contract."""
    wrong = []
    if basket.currency not in rates.rates:
        wrong.append(("currency", f"{basket.currency} has no rate on {rates.date}"))
    for i, line in enumerate(basket.lines):
        field = f"lines[{i}].title_id"
        if line.title_id not in titles:
            wrong.append((field, f"there is no title {line.title_id}"))
        elif line.title_id not in prices:
            wrong.append((field, f"title {line.title_id} has no price"))
        elif (currency := prices[line.title_id].currency) not in rates.rates:
            wrong.append((field, f"{currency} has no rate on {rates.date}"))
    return wrong
