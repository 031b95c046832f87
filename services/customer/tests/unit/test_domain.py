from decimal import Decimal

import pytest
from customer import domain
from customer.domain import Customer, InvalidRequest

YORK = {
    "id": "c-1039",
    "name": "York Minster Library",
    "tier": "gold",
    "credit_limit": "900000.50",
    "credit_currency": "GBP",
}


def test_the_tier_decides_the_discount() -> None:
    assert domain.customer_from(YORK) == Customer(
        "c-1039", "York Minster Library", "gold", Decimal(5), Decimal("900000.50"), "GBP"
    )
    discounts = [domain.customer_from(YORK | {"tier": tier}).discount_percent for tier in domain.DISCOUNTS]
    assert [str(discount) for discount in discounts] == ["0", "2", "5"]


def test_all_that_is_wrong_with_an_object_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        domain.customer_from({"id": "c 1", "name": "\ud800", "tier": ["gold"], "discount_percent": "99"})
    assert caught.value.violations == (
        ("discount_percent", "is not a field of a customer"),
        ("id", "must be 1 to 64 printable ASCII characters without spaces"),
        ("name", "must be a text of 1 to 500 characters"),
        ("tier", "must be one of standard, silver, gold"),
        ("credit_limit", "is missing"),
        ("credit_currency", "is missing"),
    )


@pytest.mark.parametrize("amount", ["-1", "1e3", "0.001", "NaN", "", 1.5, None])
def test_a_credit_limit_is_an_exact_amount(amount: object) -> None:
    assert not domain.is_amount(amount)
