"""Quoting one basket or many, for the same number of calls."""

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from pricing.domain import (
    MAX_BASKETS,
    Basket,
    CatalogueAway,
    InvalidBasket,
    PriceList,
    Quote,
    Rates,
    Ruleset,
    Titles,
    TooManyBaskets,
    price,
    well_formed,
)


class Catalogue(Protocol):
    """The neighbour that knows titles."""

    async def existing(self, title_ids: Set[str]) -> Titles:
        """Which of the ids exist. Raises CatalogueAway, or Unavailable if the catalogue answers with an error."""
        ...


class Exchange(Protocol):
    """The neighbour that knows rates."""

    async def latest(self) -> Rates:
        """The latest rates."""
        ...


class Prices(Protocol):
    """The store of prices."""

    async def find(self, title_ids: Set[str]) -> PriceList:
        """List prices of the titles, and every quantity break."""
        ...


@dataclass(frozen=True, slots=True)
class Quoting:
    """The use case: what do these baskets cost today?"""

    catalogue: Catalogue
    exchange: Exchange
    prices: Prices
    rules: Ruleset

    async def quote(self, basket: Basket) -> Quote:
        """The quote of one basket. Raises InvalidBasket or Unavailable."""
        (result,) = await self.quote_many([basket])
        if isinstance(result, Exception):
            raise result
        return result

    async def quote_many(self, baskets: Sequence[Basket]) -> list[Quote | InvalidBasket | CatalogueAway]:
        """One answer per basket in its place; a bad basket fails alone. Raises Unavailable if none can be priced."""
        if len(baskets) > MAX_BASKETS:
            raise TooManyBaskets([("baskets", f"must be at most {MAX_BASKETS}")])
        wanted = {line.title_id for basket in baskets for line in basket.lines if well_formed(line.title_id)}
        # not a TaskGroup: its cancelling and grouping would hide the one error that the caller is to see
        titles, rates, known = await asyncio.gather(
            self.catalogue.existing(wanted), self.exchange.latest(), self.prices.find(wanted)
        )

        def priced(basket: Basket) -> Quote | InvalidBasket | CatalogueAway:
            try:
                return price(basket, titles, known, rates, self.rules)
            except (InvalidBasket, CatalogueAway) as error:
                return error

        results = [priced(basket) for basket in baskets]
        if titles.unknown:
            away = [result for result in results if isinstance(result, CatalogueAway)]
            if len(away) == len(results):
                raise away[0]
        return results
