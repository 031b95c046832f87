"""Money and decimals on the wire."""

from decimal import Decimal

from figtree.money.v1 import money_pb2

from rest_api.money import as_text, at_smallest_unit

NANO = Decimal("0.000000001")


def to_money(amount: Decimal, currency: str) -> money_pb2.Money:
    units = int(amount)
    return money_pb2.Money(currency_code=currency, units=units, nanos=int((amount - units) / NANO))


def from_money(money: money_pb2.Money) -> Decimal:
    """Exact, with as many decimals as the amount needs and at least the currency's."""
    return at_smallest_unit(Decimal(money.units) + money.nanos * NANO, money.currency_code)


def from_decimal(value: money_pb2.Decimal) -> Decimal:
    return Decimal(value.value)


def to_decimal(value: Decimal) -> money_pb2.Decimal:
    return money_pb2.Decimal(value=as_text(value))
