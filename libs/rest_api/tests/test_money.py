from decimal import Decimal

import pytest
from common.money import as_text, at_smallest_unit
from common.wire import from_money, to_money
from hypothesis import given
from hypothesis import strategies as st

amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=9, allow_nan=False, allow_infinity=False)
currencies = st.sampled_from(["EUR", "JPY", "ISK", "KRW", "USD"])


@given(amounts, currencies)
def test_money_survives_the_wire(amount: Decimal, currency: str) -> None:
    assert from_money(to_money(amount, currency)) == amount


@given(amounts, currencies)
def test_writing_at_the_smallest_unit_changes_no_amount(amount: Decimal, currency: str) -> None:
    assert at_smallest_unit(amount, currency) == amount


@given(amounts)
def test_text_is_plain_digits_that_mean_the_same(amount: Decimal) -> None:
    text = as_text(amount)
    assert Decimal(text) == amount
    assert set(text) <= set("-.0123456789")


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("12.5", "EUR", "12.50"),
        ("12", "JPY", "12"),
        ("0.5", "JPY", "0.5"),
        ("0.125", "EUR", "0.125"),
        ("1E+3", "EUR", "1000.00"),
        ("1000", "KRW", "1000"),
        ("-0", "EUR", "0.00"),
    ],
)
def test_amounts_are_written_with_the_decimals_of_their_currency(
    amount: str, currency: str, written: str
) -> None:
    assert as_text(at_smallest_unit(Decimal(amount), currency)) == written
