from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monolith.currency.rules import covers, cross_rate, exchanged, shown

FIRST, FRIDAY = date(1999, 1, 4), date(2026, 11, 20)
rates = st.decimals(min_value="0.0001", max_value=2_000_000, places=4)
amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=9)


@given(amounts, rates, rates)
def test_a_result_is_within_half_a_cent_of_the_exact_one(
    amount: Decimal, source: Decimal, target: Decimal
) -> None:
    rate = cross_rate(source, target)
    assert abs(exchanged(amount, rate, "EUR") - amount * rate) <= Decimal("0.005")
    assert abs(exchanged(amount, rate, "JPY") - amount * rate) <= Decimal("0.5")


@given(rates)
def test_a_currency_is_worth_itself(rate: Decimal) -> None:
    assert cross_rate(rate, rate) == 1


@given(rates, rates)
def test_a_shown_rate_has_at_most_eight_decimals_and_is_not_far_off(source: Decimal, target: Decimal) -> None:
    rate = cross_rate(source, target)
    exponent = shown(rate).as_tuple().exponent
    assert isinstance(exponent, int)
    assert exponent >= -8
    assert abs(shown(rate) - rate) <= Decimal("5e-9")


@pytest.mark.parametrize(("rate", "text"), [("1", "1"), ("1.0830", "1.0830"), ("0.123456785", "0.12345678")])
def test_a_shown_rate_is_not_padded_or_stripped(rate: str, text: str) -> None:
    assert str(shown(Decimal(rate))) == text


@pytest.mark.parametrize(
    ("days", "covered"), [(-1, True), (0, True), (1, True), (2, True), (3, False), (8, False)]
)
def test_the_weekend_behind_the_last_friday_is_covered(days: int, covered: bool) -> None:
    assert covers(FIRST, FRIDAY, FRIDAY + timedelta(days)) == covered


@pytest.mark.parametrize("days", range(1, 10))
def test_behind_a_last_day_in_the_week_nothing_is_covered(days: int) -> None:
    thursday = FRIDAY - timedelta(1)
    assert not covers(FIRST, thursday, thursday + timedelta(days))


def test_the_day_before_the_first_is_not_covered() -> None:
    assert covers(FIRST, FRIDAY, FIRST)
    assert not covers(FIRST, FRIDAY, FIRST - timedelta(1))
