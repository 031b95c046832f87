from decimal import Decimal

import pytest
from common.money import at_smallest_unit
from hypothesis import given
from hypothesis import strategies as st
from order.domain import (
    Account,
    CreditExceeded,
    Line,
    NewOrder,
    PricedLine,
    total_of,
    violations,
)

cents = st.decimals(0, 1_000_000, places=2)
percents = st.decimals(0, 100, places=1)


def lines(*totals: Decimal) -> list[PricedLine]:
    return [PricedLine("t", 1, total, total) for total in totals]


@given(st.lists(cents, min_size=1, max_size=100))
def test_without_a_discount_the_total_is_exactly_the_sum(totals: list[Decimal]) -> None:
    assert total_of(lines(*totals), "EUR", Account()) == sum(totals)


@given(st.lists(cents, min_size=1, max_size=20), percents)
def test_a_discount_never_makes_an_order_dearer_or_negative(totals: list[Decimal], percent: Decimal) -> None:
    total = total_of(lines(*totals), "EUR", Account(percent))
    assert 0 <= total <= sum(totals)
    assert abs(total - sum(totals) * (100 - percent) / 100) <= Decimal("0.005")
    assert total.as_tuple().exponent == -2


@given(st.integers(0, 10**9), percents)
def test_yen_have_no_decimals(yen: int, percent: Decimal) -> None:
    assert total_of(lines(Decimal(yen)), "JPY", Account(percent)).as_tuple().exponent == 0


@pytest.mark.parametrize(
    ("gross", "total"), [("0.10", "0.10"), ("0.50", "0.48"), ("0.30", "0.28"), ("0.70", "0.66")]
)
def test_a_tie_goes_to_the_even_cent(gross: str, total: str) -> None:
    assert total_of(lines(Decimal(gross)), "EUR", Account(Decimal(5))) == Decimal(total)


def test_credit_is_compared_only_in_its_own_currency() -> None:
    account = Account(Decimal(0), Decimal("100.00"), "EUR")
    assert total_of(lines(Decimal("100.00")), "EUR", account) == 100
    assert total_of(lines(Decimal("123.45")), "USD", account) == Decimal("123.45")
    with pytest.raises(
        CreditExceeded, match=r"^the order's total of 123.45 EUR is above the credit limit of 100.00 EUR$"
    ):
        total_of(lines(Decimal("123.45")), "EUR", account)


def test_credit_is_compared_after_the_discount() -> None:
    assert total_of(lines(Decimal("105.00")), "EUR", Account(Decimal(5), Decimal(100), "EUR")) == Decimal(
        "99.75"
    )


def test_the_content_hash_is_the_one_that_the_monolith_writes() -> None:
    order = NewOrder("c-1001", "EUR", (Line("t-000001", 2), Line("t-000002", 1)))
    assert order.content_hash() == "94675429be465bedc3180b1ae5d5e5ed7746915f7c96f6e2ad720e864dea9675"
    assert order.content_hash() != NewOrder("c-1001", "EUR", order.lines[::-1]).content_hash()


@pytest.mark.parametrize(
    ("key", "customer", "count", "fields"),
    [
        ("k", "c", 1, []),
        ("k" * 64, "c" * 64, 100, []),
        ("", "", 0, ["idempotency_key", "customer_id", "lines"]),
        ("k" * 65, "nul\x00", 101, ["idempotency_key", "customer_id", "lines"]),
    ],
)
def test_what_is_wrong_before_any_call_is_made(
    key: str, customer: str, count: int, fields: list[str]
) -> None:
    order = NewOrder(customer, "EUR", (Line("t", 1),) * count)
    assert [field for field, _ in violations(key, order)] == fields


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("9.040000000", "EUR", "9.04"),
        ("9", "EUR", "9.00"),
        ("160.000000000", "JPY", "160"),
        ("0.125", "EUR", "0.125"),
    ],
)
def test_amounts_are_written_with_their_currencys_decimals(amount: str, currency: str, written: str) -> None:
    assert f"{at_smallest_unit(Decimal(amount), currency):f}" == written
