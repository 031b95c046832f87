from datetime import date
from decimal import Decimal

import pytest
from common.money import smallest_unit
from hypothesis import given
from hypothesis import strategies as st
from pricing.domain import (
    RULESETS,
    Basket,
    InvalidBasket,
    Line,
    ListPrice,
    PriceList,
    Quote,
    Rates,
    Titles,
    price,
    well_formed,
)

BREAKS = {10: Decimal(5), 50: Decimal(10), 100: Decimal(15)}
RATES = Rates(
    date(2026, 11, 20),
    {"EUR": Decimal(1), "USD": Decimal("1.1"), "JPY": Decimal("160.57"), "GBP": Decimal("0.83")},
)

currencies = st.sampled_from(sorted(RATES.per_euro))
amounts = st.decimals(0, 100_000, places=2)
quantities = st.integers(1, 10_000)


def quoted(amount: Decimal, listed: str, quantity: int, currency: str, ruleset: str = "v1") -> Quote:
    known = PriceList({"t": ListPrice(amount, listed)}, BREAKS)
    return price(Basket(currency, (Line("t", quantity),)), Titles({"t"}), known, RATES, RULESETS[ruleset])


@pytest.mark.parametrize(
    ("quantity", "percent"),
    [(1, 0), (9, 0), (10, 5), (49, 5), (50, 10), (99, 10), (100, 15), (249, 15), (250, 15), (10_000, 15)],
)
def test_the_largest_break_that_is_reached_counts(quantity: int, percent: int) -> None:
    assert quoted(Decimal("10.00"), "EUR", quantity, "EUR").lines[0].discount_percent == percent


@pytest.mark.parametrize(("quantity", "percent"), [(249, 15), (250, 20), (10_000, 20)])
def test_v2_gives_five_points_more_from_250_on(quantity: int, percent: int) -> None:
    assert quoted(Decimal("10.00"), "EUR", quantity, "EUR", "v2").lines[0].discount_percent == percent


def test_a_tie_is_rounded_to_the_even_cent() -> None:
    assert quoted(Decimal("0.30"), "EUR", 50, "EUR").lines[0].unit_price == Decimal("0.27")
    assert quoted(Decimal("10.05"), "EUR", 50, "EUR").lines[0].unit_price == Decimal("9.04")  # 9.045
    assert quoted(Decimal("10.15"), "EUR", 50, "EUR").lines[0].unit_price == Decimal("9.14")  # 9.135


def test_a_tie_after_conversion_is_still_a_tie() -> None:
    rates = Rates(date(2026, 11, 20), {"EUR": Decimal(1), "USD": Decimal("1.1")})
    known = PriceList({"t": ListPrice(Decimal("1.1055"), "USD")}, {})
    quote = price(Basket("EUR", (Line("t", 1),)), Titles({"t"}), known, rates, RULESETS["v1"])
    assert quote.total == Decimal("1.00")  # 1.005 exactly; through a cross rate of 28 digits it would be 1.01


def test_the_planted_bug_rounds_down() -> None:
    assert quoted(Decimal("0.99"), "EUR", 10, "EUR", "v2").lines[0].unit_price == Decimal("0.94")
    assert quoted(Decimal("0.99"), "EUR", 100, "EUR", "v2").lines[0].unit_price == Decimal("0.84")
    assert quoted(Decimal("0.97"), "EUR", 10, "EUR", "v2-rounding").lines[0].unit_price == Decimal("0.92")
    assert quoted(Decimal("0.98"), "USD", 1, "EUR", "v2-rounding").lines[0].unit_price == Decimal("0.89")


def test_without_a_break_table_nothing_is_taken_off() -> None:
    known = PriceList({"t": ListPrice(Decimal(10), "EUR")}, {})
    quote = price(Basket("EUR", (Line("t", 500),)), Titles({"t"}), known, RATES, RULESETS["v1"])
    assert f"{quote.lines[0].discount_percent:f}" == "0"


@given(amounts, currencies, quantities, currencies, st.sampled_from(sorted(RULESETS)))
def test_a_price_is_never_negative_and_never_finer_than_the_smallest_unit(
    amount: Decimal, listed: str, quantity: int, currency: str, ruleset: str
) -> None:
    line = quoted(amount, listed, quantity, currency, ruleset).lines[0]
    assert line.unit_price >= 0
    assert line.unit_price.as_tuple().exponent == smallest_unit(currency).as_tuple().exponent
    assert line.total == line.unit_price * quantity


@given(amounts, currencies, quantities, currencies)
def test_a_price_is_within_half_a_unit_of_the_exact_one(
    amount: Decimal, listed: str, quantity: int, currency: str
) -> None:
    line = quoted(amount, listed, quantity, currency).lines[0]
    exact = amount * (100 - line.discount_percent) / 100 * RATES.per_euro[currency] / RATES.per_euro[listed]
    assert abs(line.unit_price - exact) <= smallest_unit(currency) / 2


@given(amounts, currencies, st.integers(1, 249), currencies)
def test_below_250_both_rulesets_say_the_same(
    amount: Decimal, listed: str, quantity: int, currency: str
) -> None:
    old, new = (quoted(amount, listed, quantity, currency, ruleset) for ruleset in ("v1", "v2"))
    assert old == new


@given(amounts, currencies, quantities, currencies)
def test_v2_is_never_dearer_and_the_bug_never_dearer_still(
    amount: Decimal, listed: str, quantity: int, currency: str
) -> None:
    v1, v2, bug = (
        quoted(amount, listed, quantity, currency, ruleset).total for ruleset in ("v1", "v2", "v2-rounding")
    )
    assert v1 >= v2 >= bug


@given(st.lists(st.tuples(amounts, currencies, quantities), min_size=1, max_size=100), currencies)
def test_a_basket_costs_exactly_the_sum_of_its_lines(
    items: list[tuple[Decimal, str, int]], currency: str
) -> None:
    known = PriceList({f"t{i}": ListPrice(a, c) for i, (a, c, _) in enumerate(items)}, BREAKS)
    basket = Basket(currency, tuple(Line(f"t{i}", q) for i, (_, _, q) in enumerate(items)))
    quote = price(basket, Titles(set(known.prices)), known, RATES, RULESETS["v1"])
    assert quote.total == sum(line.total for line in quote.lines)
    assert [line.title_id for line in quote.lines] == [line.title_id for line in basket.lines]


@given(amounts, currencies, quantities)
def test_a_price_in_its_own_currency_is_not_touched_by_the_rate(
    amount: Decimal, currency: str, quantity: int
) -> None:
    line = quoted(amount, currency, quantity, currency).lines[0]
    exact = amount * (100 - line.discount_percent) / 100
    assert line.unit_price == exact.quantize(smallest_unit(currency))


def test_everything_that_is_wrong_is_named_in_order() -> None:
    known = PriceList(
        {
            "gone": ListPrice(Decimal(1), "EUR"),
            "old": ListPrice(Decimal(1), "HRK"),
            "t": ListPrice(Decimal(1), "EUR"),
        },
        {},
    )
    lines = (Line("gone", 0), Line("bare", 1), Line("t", 10_001), Line("old", 1), Line("t", 1))
    with pytest.raises(InvalidBasket) as caught:
        price(Basket("XXX", lines), Titles({"t", "bare", "old"}), known, RATES, RULESETS["v1"])
    assert caught.value.violations == (
        ("currency", "XXX has no rate on 2026-11-20"),
        ("lines[0].title_id", "there is no title gone"),
        ("lines[0].quantity", "must be between 1 and 10000"),
        ("lines[1].title_id", "title bare has no price"),
        ("lines[2].quantity", "must be between 1 and 10000"),
        ("lines[3].title_id", "title old has no price"),
    )


@pytest.mark.parametrize("count", [0, 101])
def test_a_basket_has_1_to_100_lines(count: int) -> None:
    known = PriceList({"t": ListPrice(Decimal(1), "EUR")}, {})
    with pytest.raises(InvalidBasket, match="lines: must be between 1 and 100"):
        price(Basket("EUR", (Line("t", 1),) * count), Titles({"t"}), known, RATES, RULESETS["v1"])


@pytest.mark.parametrize("title_id", ["", "x" * 33, "a b", "nul\x00", "ü"])
def test_what_cannot_be_an_id_is_not_requested(title_id: str) -> None:
    assert not well_formed(title_id)
