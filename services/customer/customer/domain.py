"""What a library's account is, and what its tier is worth."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from common.errors import InvalidRequest as InvalidRequest
from common.jsonlines import Checks, check, is_text

DISCOUNTS = {"standard": Decimal(0), "silver": Decimal(2), "gold": Decimal(5)}  # percent


@dataclass(frozen=True, slots=True)
class Customer:
    """An account. The discount is in percent; the limit is in its own currency."""

    id: str
    name: str
    tier: str
    discount_percent: Decimal
    credit_limit: Decimal
    credit_currency: str


class UnknownCustomer(Exception):
    """There is no account of that id."""

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"there is no customer {customer_id}")
        self.resource = ("customer", customer_id)


class NotTheWriter(Exception):
    """The database is fenced: the other side writes this module's tables."""

    def __init__(self) -> None:
        super().__init__("customers are written on the other side")


class StorageUnavailable(Exception):
    """The database does not answer."""

    def __init__(self) -> None:
        super().__init__("the database does not answer")


def is_id(value: object) -> bool:
    """Whether the value is 1 to 64 printable ASCII characters without spaces."""
    return isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]{1,64}", value) is not None


def is_amount(value: object) -> bool:
    """Whether the value is an amount with at most two decimals, as a text."""
    return isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", value) is not None


def is_currency(value: object) -> bool:
    """Whether the value is a code of three capital letters."""
    return isinstance(value, str) and re.fullmatch(r"[A-Z]{3}", value) is not None


CHECKS: Checks = {
    "id": (is_id, "must be 1 to 64 printable ASCII characters without spaces"),
    "name": (is_text, "must be a text of 1 to 500 characters"),
    "tier": (lambda v: isinstance(v, str) and v in DISCOUNTS, f"must be one of {', '.join(DISCOUNTS)}"),
    "credit_limit": (is_amount, "must be an amount with at most two decimals"),
    "credit_currency": (is_currency, "must be three capital letters"),
}


def customer_from(fields: Mapping[str, Any]) -> Customer:
    """The account that an imported object describes. Raises InvalidRequest with all that is wrong with it."""
    check("customer", fields, CHECKS)
    discount = DISCOUNTS[fields["tier"]]
    return Customer(
        **{**fields, "discount_percent": discount, "credit_limit": Decimal(fields["credit_limit"])}
    )
