"""How amounts are written, wherever they were computed."""

from decimal import Decimal

# Currencies whose smallest unit is the whole one (ISO 4217); every other currency here has two decimals.
WITHOUT_CENTS = frozenset({"ISK", "JPY", "KRW"})


def smallest_unit(currency: str) -> Decimal:
    """The smallest amount of a currency: 1 for ISK, JPY and KRW, else 0.01."""
    return Decimal(1) if currency in WITHOUT_CENTS else Decimal("0.01")


def at_smallest_unit(amount: Decimal, currency: str) -> Decimal:
    """The amount written with the currency's decimals; one that has more of them keeps them all."""
    written = amount.quantize(smallest_unit(currency))
    return written if written == amount else amount.normalize()


def as_text(value: Decimal) -> str:
    """Plain digits without an exponent; zero has no sign."""
    return f"{value if value else abs(value):f}"
