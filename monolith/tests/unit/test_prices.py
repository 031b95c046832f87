from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monolith.pricing.rules import percent_off, priced
from rest_api.models import Line, Money

BREAKS = {10: Decimal(5), 50: Decimal(10), 100: Decimal(15)}
RATES = {"EUR": Decimal(1), "JPY": Decimal("175.68"), "GBP": Decimal("0.8338")}
prices = st.decimals(min_value="0.01", max_value=10_000, places=2)
quantities = st.integers(1, 10_000)


@pytest.mark.parametrize(
    ("quantity", "percent"),
    [(1, 0), (9, 0), (10, 5), (49, 5), (50, 10), (99, 10), (100, 15), (249, 15), (250, 15), (10_000, 15)],
)
def test_the_largest_break_that_is_reached_counts(quantity: int, percent: int) -> None:
    assert percent_off(quantity, BREAKS, "v1") == percent


@pytest.mark.parametrize("ruleset", ["v2", "v2-rounding"])
@pytest.mark.parametrize(("quantity", "percent"), [(249, 15), (250, 20), (10_000, 20)])
def test_the_second_ruleset_gives_five_points_more_from_250(
    ruleset: str, quantity: int, percent: int
) -> None:
    assert percent_off(quantity, BREAKS, ruleset) == percent  # type: ignore[arg-type]


def test_without_breaks_nothing_comes_off() -> None:
    assert percent_off(10_000, {}, "v1") == 0


@given(prices, quantities, st.sampled_from(sorted(RATES)), st.sampled_from(sorted(RATES)))
def test_a_unit_price_is_rounded_once_and_a_total_is_not(
    price: Decimal, quantity: int, listed: str, currency: str
) -> None:
    percent = percent_off(quantity, BREAKS, "v1")
    line = priced(
        Line(title_id="t", quantity=quantity),
        Money(amount=price, currency=listed),
        percent,
        RATES,
        currency,
        "v1",
    )
    exact = price * (1 - percent / 100) * RATES[currency] / RATES[listed]
    assert line.unit_price == exact.quantize(
        Decimal(1) if currency == "JPY" else Decimal("0.01"), ROUND_HALF_EVEN
    )
    assert line.total == line.unit_price * quantity


@given(prices, st.sampled_from(["EUR", "GBP"]))
def test_the_planted_bug_never_charges_more(price: Decimal, currency: str) -> None:
    def unit_price(ruleset: str) -> Decimal:
        line = Line(title_id="t", quantity=10)
        listed = Money(amount=price, currency="JPY")
        return priced(line, listed, Decimal(5), RATES, currency, ruleset).unit_price  # type: ignore[arg-type]

    assert unit_price("v2") - unit_price("v2-rounding") in (0, Decimal("0.01"))


def test_half_a_cent_goes_to_the_even_one() -> None:
    def unit_price(amount: str) -> Decimal:
        listed = Money(amount=Decimal(amount), currency="EUR")
        return priced(Line(title_id="t", quantity=50), listed, Decimal(10), RATES, "EUR", "v1").unit_price

    assert (unit_price("0.05"), unit_price("0.15"), unit_price("0.25")) == tuple(
        map(Decimal, ("0.04", "0.14", "0.22"))
    )
