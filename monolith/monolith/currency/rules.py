"""What holds for rates, whoever stores them."""

from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal

from common.money import smallest_unit

DIGITS = Context(prec=28, rounding=ROUND_HALF_EVEN)
SHOWN = Decimal("1e-8")


def covers(first: date, last: date, on: date) -> bool:
    """Between the first and the last day, or on the weekend right behind the last."""
    weekday = on.weekday()
    return first <= on <= last or (weekday >= 5 and 0 < (on - last).days <= weekday - 4)


def cross_rate(source: Decimal, target: Decimal) -> Decimal:
    """Units of the target for one of the source; both are given in units for one EUR."""
    return DIGITS.divide(target, source)


def exchanged(amount: Decimal, rate: Decimal, target: str) -> Decimal:
    """The amount in the target's currency, rounded half to even to its smallest unit."""
    return DIGITS.multiply(amount, rate).quantize(smallest_unit(target), ROUND_HALF_EVEN)


def shown(rate: Decimal) -> Decimal:
    """At most eight decimals; a rate that has fewer stays as it is."""
    exponent = rate.as_tuple().exponent
    assert isinstance(exponent, int)
    return rate.quantize(SHOWN, ROUND_HALF_EVEN) if exponent < -8 else rate
