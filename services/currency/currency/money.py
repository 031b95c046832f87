"""Money, decimals and days on the wire."""

from decimal import Decimal

from figtree.money.v1 import money_pb2

from currency.domain import InvalidRequest

NANO = Decimal("0.000000001")


def to_money(amount: Decimal, currency: str) -> money_pb2.Money:
    units = int(amount)
    return money_pb2.Money(currency_code=currency, units=units, nanos=int((amount - units) / NANO))


def from_money(money: money_pb2.Money) -> Decimal:
    """Exact. Raises InvalidRequest if units and nanos contradict each other."""
    if abs(money.nanos) > 999_999_999 or money.units * money.nanos < 0:
        raise InvalidRequest([("amount", "must have nanos below one unit and of the same sign as units")])
    return money.units + money.nanos * NANO


def to_decimal(value: Decimal) -> money_pb2.Decimal:
    return money_pb2.Decimal(value=f"{value:f}")
