from datetime import date
from decimal import Decimal

import pytest
from currency import domain
from currency.domain import Found, InvalidRequest, NoRates, Table
from hypothesis import given
from hypothesis import strategies as st

FRIDAY = date(2026, 11, 20)
FIRST = date(1999, 1, 4)
TABLE = Table(
    FRIDAY,
    {
        "EUR": Decimal(1),
        "GBP": Decimal("0.86515"),
        "IDR": Decimal("19999.87"),
        "JPY": Decimal("171.00"),
        "USD": Decimal("1.1700"),
    },
)
amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=9, allow_nan=False)
currencies = st.sampled_from(list(TABLE.rates))


@pytest.mark.parametrize("on", [None, FRIDAY, date(2026, 11, 21), date(2026, 11, 22)])
def test_the_weekend_right_behind_the_last_day_has_its_rates(on: date | None) -> None:
    assert domain.table_on(Found(FIRST, FRIDAY, TABLE), on) is TABLE


@pytest.mark.parametrize("on", [date(2026, 11, 23), date(2026, 11, 28), date(9999, 12, 31)])
def test_no_other_day_behind_the_last_has_rates(on: date) -> None:
    with pytest.raises(InvalidRequest, match=r"^date: rates are known from 1999-01-04 to 2026-11-20$"):
        domain.table_on(Found(FIRST, FRIDAY, TABLE), on)


def test_a_weekend_behind_a_missing_friday_has_no_rates() -> None:
    thursday = date(2026, 11, 19)
    with pytest.raises(InvalidRequest, match="to 2026-11-19"):
        domain.table_on(Found(FIRST, thursday, Table(thursday, {})), date(2026, 11, 21))


def test_a_day_before_the_first_has_no_rates() -> None:
    with pytest.raises(InvalidRequest, match=r"^date: rates are known from 1999-01-04 to 2026-11-20$"):
        domain.table_on(Found(FIRST, FRIDAY, None), date(1999, 1, 3))


def test_without_any_rates_there_is_nothing_to_say() -> None:
    with pytest.raises(NoRates):
        domain.table_on(None, None)


@pytest.mark.parametrize(
    ("amount", "source", "target", "result", "rate"),
    [
        ("12.50", "EUR", "USD", "14.62", "1.1700"),  # 14.625, to even
        ("100", "EUR", "EUR", "100.00", "1"),
        ("1", "GBP", "EUR", "1.16", "1.15586892"),
        ("1000", "USD", "JPY", "146154", "146.15384615"),
        ("-1000", "USD", "JPY", "-146154", "146.15384615"),
        ("1", "IDR", "GBP", "0.00", "0.00004326"),
    ],
)
def test_an_amount_is_rounded_half_to_even_and_its_rate_to_eight_places(
    amount: str, source: str, target: str, result: str, rate: str
) -> None:
    found = domain.convert(TABLE, Decimal(amount), source, target)
    assert (f"{found.result:f}", f"{found.rate:f}", found.date) == (result, rate, FRIDAY)


def test_every_currency_without_a_rate_is_named_with_the_day() -> None:
    with pytest.raises(InvalidRequest) as caught:
        domain.convert(TABLE, Decimal(1), "XXX", "YYY")
    assert caught.value.violations == (
        ("from", "XXX has no rate on 2026-11-20"),
        ("to", "YYY has no rate on 2026-11-20"),
    )


@given(amounts, currencies)
def test_into_its_own_currency_an_amount_is_only_rounded(amount: Decimal, currency: str) -> None:
    unit = Decimal(1) if currency == "JPY" else Decimal("0.01")
    assert domain.convert(TABLE, amount, currency, currency).result == amount.quantize(unit)


@given(amounts, currencies, currencies)
def test_a_result_is_within_half_a_unit_of_the_exact_one(amount: Decimal, source: str, target: str) -> None:
    result = domain.convert(TABLE, amount, source, target).result
    exact = amount * (TABLE.rates[target] / TABLE.rates[source])
    half = Decimal("0.5") if target == "JPY" else Decimal("0.005")
    assert abs(result - exact) <= half


@given(st.decimals(min_value="0.0000000001", max_value=10**9, allow_nan=False))
def test_a_shown_rate_has_at_most_eight_places_and_is_not_padded(rate: Decimal) -> None:
    shown = domain.shown(rate)
    places = -int(rate.as_tuple().exponent)
    assert -int(shown.as_tuple().exponent) == min(8, places)
    assert abs(shown - rate) <= Decimal("0.000000005")


def test_an_amount_that_no_message_can_hold_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="amount: must convert to at most"):
        domain.convert(TABLE, Decimal(2**63 - 1), "EUR", "IDR")


@pytest.mark.parametrize("text", ["20261120", "2026-W47-5", "2026-11-31", "today", "2026-11-20T00:00"])
def test_a_day_has_one_form(text: str) -> None:
    with pytest.raises(InvalidRequest, match="date: must be a date, YYYY-MM-DD"):
        domain.day_from(text)


def test_all_that_is_wrong_with_an_imported_rate_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        domain.rate_from({"date": "2026-11-31", "currency": "EUR", "rate": "1e3", "by": "me"})
    assert [field for field, _ in caught.value.violations] == ["by", "date", "currency", "rate"]


@pytest.mark.parametrize("rate", ["0", "-1", "NaN", 1.1, True, None, "1,5"])
def test_a_rate_is_an_exact_number_above_zero(rate: object) -> None:
    assert not domain.is_rate(rate)
