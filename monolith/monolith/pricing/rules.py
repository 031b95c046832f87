"""What a line costs."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from common.money import at_smallest_unit, smallest_unit
from rest_api.models import Line, Money, PricedLine

from monolith.settings import Ruleset

LARGE = 250
LARGE_POINTS = 5


def percent_off(quantity: int, breaks: Mapping[int, Decimal], ruleset: Ruleset) -> Decimal:
    """The percentage off for this quantity: that of the largest break reached, and more for large orders since v2."""
    reached = [minimum for minimum in breaks if minimum <= quantity]
    percent = breaks[max(reached)] if reached else Decimal(0)
    return percent + LARGE_POINTS if ruleset != "v1" and quantity >= LARGE else percent


def priced(
    line: Line, price: Money, percent: Decimal, rates: Mapping[str, Decimal], currency: str, ruleset: Ruleset
) -> PricedLine:
    """Exact until it is rounded once: the division comes last, so that nothing is rounded before it."""
    exact = price.amount * (1 - percent / 100) * rates[currency] / rates[price.currency]
    rounding = ROUND_DOWN if ruleset == "v2-rounding" else ROUND_HALF_EVEN
    unit_price = exact.quantize(smallest_unit(currency), rounding)
    return PricedLine(
        title_id=line.title_id,
        quantity=line.quantity,
        list_price=Money(amount=at_smallest_unit(price.amount, price.currency), currency=price.currency),
        discount_percent=percent,
        unit_price=unit_price,
        total=unit_price * line.quantity,
    )
