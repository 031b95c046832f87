from decimal import Decimal
from random import Random

import pytest
from loadtests.baskets import QUOTED, Basket, draw
from loadtests.reference import Rates, Reference, catalogue, unit_price


@pytest.fixture(scope="module")
def reference() -> Reference:
    titles, prices = catalogue()
    rates = Rates(
        "2026-10-30", dict.fromkeys((c for _, c in prices.values()), Decimal(2)) | {"EUR": Decimal(1)}
    )
    return Reference(titles, prices | {"t-000001": (Decimal("12.50"), "EUR")}, rates, {})


def test_the_same_seed_draws_the_same_baskets(reference: Reference) -> None:
    assert [draw(Random(5), reference) for _ in range(3)] == [draw(Random(5), reference) for _ in range(3)]


def test_quantities_reach_every_break_but_not_the_second_ruleset() -> None:
    assert max(QUOTED) < 250
    assert {q >= 10 for q in QUOTED} == {q >= 100 for q in QUOTED} == {True, False}


def test_another_basket_is_another_basket() -> None:
    basket = Basket("EUR", (("t-000001", 1), ("t-000002", 1)))
    assert basket.more() == Basket("EUR", (("t-000001", 2), ("t-000002", 1)))


@pytest.mark.parametrize(
    ("quantity", "currency", "price"),
    [
        (1, "EUR", "12.50"),
        (10, "EUR", "11.88"),
        (50, "EUR", "11.25"),
        (100, "EUR", "10.62"),
        (10, "JPY", "24"),
    ],
)
def test_prices_are_rounded_half_even(reference: Reference, quantity: int, currency: str, price: str) -> None:
    assert unit_price(reference, "t-000001", quantity, currency) == Decimal(price)
