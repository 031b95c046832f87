"""Rules that the monolith and a service each have for themselves, and that must not drift apart."""

from datetime import date
from decimal import Decimal

import currency.domain
import order.domain
import pricing.domain
from hypothesis import given
from hypothesis import strategies as st
from monolith.currency import rules as currency_rules
from monolith.order.service import content_hash
from monolith.pricing.rules import percent_off, priced
from rest_api import models

CODES = ["EUR", "USD", "JPY", "ISK", "GBP"]
DAY = date(2026, 10, 30)
ids = st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=32)
quantities = st.integers(1, 10_000)
codes = st.sampled_from(CODES)
amounts = st.decimals(min_value="0.01", max_value=10_000, places=2)
rates = st.decimals(min_value="0.0001", max_value=30_000, places=4)


@given(ids, codes, st.lists(st.tuples(ids, quantities), min_size=1, max_size=5))
def test_a_key_means_the_same_order_on_both_sides(
    customer: str, code: str, lines: list[tuple[str, int]]
) -> None:
    of_monolith = models.NewOrder(
        customer_id=customer,
        currency=code,
        lines=tuple(models.Line(title_id=t, quantity=q) for t, q in lines),
    )
    of_service = order.domain.NewOrder(customer, code, tuple(order.domain.Line(t, q) for t, q in lines))
    assert content_hash(of_monolith) == of_service.content_hash()


@given(
    amounts,
    quantities,
    codes,
    codes,
    st.tuples(*[rates] * len(CODES)),
    st.sampled_from(["v1", "v2", "v2-rounding"]),
)
def test_a_line_costs_the_same_on_both_sides(
    amount: Decimal, quantity: int, listed: str, code: str, drawn: tuple[Decimal, ...], ruleset: str
) -> None:
    table = dict(zip(CODES, drawn, strict=True)) | {"EUR": Decimal(1)}
    breaks = {10: Decimal(5), 50: Decimal(10), 100: Decimal(15)}
    of_monolith = priced(
        models.Line(title_id="t", quantity=quantity),
        models.Money(amount=amount, currency=listed),
        percent_off(quantity, breaks, ruleset),  # type: ignore[arg-type]
        table,
        code,
        ruleset,  # type: ignore[arg-type]
    )
    of_service = pricing.domain.price(
        pricing.domain.Basket(code, (pricing.domain.Line("t", quantity),)),
        pricing.domain.Titles({"t"}),
        pricing.domain.PriceList({"t": pricing.domain.ListPrice(amount, listed)}, breaks),
        pricing.domain.Rates(DAY, table),
        pricing.domain.RULESETS[ruleset],
    ).lines[0]
    assert (of_monolith.unit_price, of_monolith.total, of_monolith.discount_percent) == (
        of_service.unit_price,
        of_service.total,
        of_service.discount_percent,
    )


@given(amounts, codes, codes, st.tuples(*[rates] * len(CODES)))
def test_a_conversion_is_the_same_on_both_sides(
    amount: Decimal, source: str, target: str, drawn: tuple[Decimal, ...]
) -> None:
    table = dict(zip(CODES, drawn, strict=True))
    of_service = currency.domain.convert(currency.domain.Table(DAY, table), amount, source, target)
    rate = currency_rules.cross_rate(table[source], table[target])
    assert currency_rules.exchanged(amount, rate, target) == of_service.result
    assert str(currency_rules.shown(rate)) == str(of_service.rate)


@given(st.dates(date(2026, 10, 1), date(2026, 11, 15)), st.dates(date(2026, 10, 1), date(2026, 12, 15)))
def test_the_same_days_are_known_on_both_sides(last: date, on: date) -> None:
    first = date(2026, 10, 1)
    found = currency.domain.Found(first, last, currency.domain.Table(last, {}))
    try:
        currency.domain.table_on(found, on)
        known = True
    except currency.domain.InvalidRequest:
        known = False
    assert currency_rules.covers(first, last, on) == known
