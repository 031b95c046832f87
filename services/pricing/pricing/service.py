"""Quoting one basket or many, for the same number of calls."""

import asyncio
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from pricing.domain import (
    MAX_BASKETS,
    Basket,
    InvalidBasket,
    PriceList,
    Quote,
    Rates,
    Ruleset,
    TooManyBaskets,
    price,
    well_formed,
)


class Catalogue(Protocol):
    """The neighbour that knows titles."""

    async def existing(self, title_ids: Set[str]) -> Set[str]:
        """Those of the ids that the catalogue knows."""
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
        """The quote of one basket. Raises InvalidBasket."""
        (result,) = await self.quote_many([basket])
        if isinstance(result, InvalidBasket):
            raise result
        return result

    async def quote_many(self, baskets: Sequence[Basket]) -> list[Quote | InvalidBasket]:
        """One answer per basket in its place; a bad basket fails alone."""
        if len(baskets) > MAX_BASKETS:
            raise TooManyBaskets([("baskets", f"must be at most {MAX_BASKETS}")])
        wanted = {line.title_id for basket in baskets for line in basket.lines if well_formed(line.title_id)}
        # not a TaskGroup: its cancelling and grouping would hide the one error that the caller is to see
        titles, rates, known = await asyncio.gather(
            self.catalogue.existing(wanted), self.exchange.latest(), self.prices.find(wanted)
        )

        def priced(basket: Basket) -> Quote | InvalidBasket:
            try:
                return price(basket, titles, known, rates, self.rules)
            except InvalidBasket as invalid:
                return invalid

        return [priced(basket) for basket in baskets]
