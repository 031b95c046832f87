"""Money and decimals as the protos of figtree.money.v1 carry them: whole units and billionths, never a float; times."""

from datetime import UTC, datetime
from decimal import Decimal

from figtree.money.v1 import money_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from common.money import as_text, at_smallest_unit

NANO = Decimal("0.000000001")


def to_money(amount: Decimal, currency: str) -> money_pb2.Money:
    """The amount in units of the currency and nanos of one; more than nine decimals are cut."""
    units = int(amount)
    return money_pb2.Money(currency_code=currency, units=units, nanos=int((amount - units) / NANO))


def from_money(money: money_pb2.Money) -> Decimal:
    """Exact, with as many decimals as the amount needs and at least the currency's."""
    return at_smallest_unit(money.units + money.nanos * NANO, money.currency_code)


def to_decimal(value: Decimal) -> money_pb2.Decimal:
    """The value in plain digits, exactly."""
    return money_pb2.Decimal(value=as_text(value))


def from_decimal(value: money_pb2.Decimal) -> Decimal:
    """The value exactly as it was written."""
    return Decimal(value.value)


def to_timestamp(at: datetime) -> Timestamp:
    """The time as a protobuf message."""
    timestamp = Timestamp()
    timestamp.FromDatetime(at)
    return timestamp


def from_timestamp(timestamp: Timestamp) -> datetime:
    """The time in UTC."""
    return timestamp.ToDatetime(UTC)
