from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pricing.domain import Basket, CatalogueAway, InvalidBasket, Line, Quote, TooManyBaskets, Unavailable
from pricing.service import Quoting

GOOD = Basket("EUR", (Line("t-1", 2), Line("t-2", 10)))
BAD = Basket("EUR", (Line("t-3", 2),))


async def test_a_basket_is_priced_in_the_requested_currency(quoting: Quoting) -> None:
    quote = await quoting.quote(GOOD)
    assert [line.unit_price for line in quote.lines] == [Decimal("10.05"), Decimal("19.00")]
    assert quote.total == Decimal("210.10")


async def test_a_bad_basket_fails_alone(quoting: Quoting) -> None:
    first, second, third = await quoting.quote_many([GOOD, BAD, GOOD])
    assert isinstance(first, Quote)
    assert first == third
    assert isinstance(second, InvalidBasket)


async def test_a_single_bad_basket_is_an_error(quoting: Quoting) -> None:
    with pytest.raises(InvalidBasket, match="title t-3 has no price"):
        await quoting.quote(BAD)


async def test_more_than_100_baskets_are_refused(quoting: Quoting) -> None:
    with pytest.raises(TooManyBaskets):
        await quoting.quote_many([GOOD] * 101)


async def test_no_baskets_cost_nothing(quoting: Quoting) -> None:
    assert await quoting.quote_many([]) == []


async def test_without_the_catalogue_there_is_no_price(quoting: Quoting, catalogue) -> None:  # type: ignore[no-untyped-def]
    catalogue.is_down = True
    with pytest.raises(Unavailable):
        await quoting.quote(GOOD)


async def test_of_a_remembered_catalogue_the_price_is_the_same_and_says_so(
    quoting: Quoting, catalogue: Any
) -> None:
    before = await quoting.quote(GOOD)
    catalogue.is_down, catalogue.remembered = True, {"t-1", "t-2"}
    quote = await quoting.quote(GOOD)
    assert quote.titles_as_of == catalogue.as_of
    assert replace(quote, titles_as_of=None) == before


async def test_a_title_that_is_not_remembered_has_no_price_and_spoils_no_other_basket(
    quoting: Quoting, catalogue: Any
) -> None:
    catalogue.is_down, catalogue.remembered = True, {"t-1"}
    known, bad = Basket("EUR", (Line("t-1", 1),)), Basket("XXX", (Line("t-1", 0),))
    with pytest.raises(CatalogueAway, match="has not confirmed t-2 before"):
        await quoting.quote_many([GOOD, GOOD])
    first, second, third = await quoting.quote_many([known, GOOD, bad])
    assert isinstance(first, Quote)
    assert isinstance(second, CatalogueAway)
    assert isinstance(third, InvalidBasket)
