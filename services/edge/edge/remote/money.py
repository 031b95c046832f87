"""Money and decimals on the wire."""

from decimal import Decimal

from figtree.money.v1 import money_pb2

NANO = Decimal("0.000000001")


def to_money(amount: Decimal, currency: str) -> money_pb2.Money:
    units = int(amount)
    return money_pb2.Money(currency_code=currency, units=units, nanos=int((amount - units) / NANO))


def from_money(money: money_pb2.Money) -> Decimal:
    """Exact, with as many decimals as the amount needs and at least two, or none in a currency without cents."""
    amount = Decimal(money.units) + money.nanos * NANO
    return at_smallest_unit(amount, money.currency_code)


# Currencies whose smallest unit is the whole one (ISO 4217); every other currency here has two decimals.
WITHOUT_CENTS = frozenset({"ISK", "JPY", "KRW"})


def at_smallest_unit(amount: Decimal, currency: str) -> Decimal:
    """The amount written with the currency's decimals; one that has more of them keeps them all."""
    unit = Decimal(1) if currency in WITHOUT_CENTS else Decimal("0.01")
    written = amount.quantize(unit)
    return written if written == amount else amount.normalize()


def from_decimal(value: money_pb2.Decimal) -> Decimal:
    return Decimal(value.value)


def to_decimal(value: Decimal) -> money_pb2.Decimal:
    return money_pb2.Decimal(value=f"{value:f}")
