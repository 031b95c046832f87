import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from common.jsonlines import InvalidLine
from customer.domain import Customer, InvalidRequest, UnknownCustomer
from customer.seed import accounts
from customer.service import Accounts

LINE = {
    "id": "c-1",
    "name": "Bath Reading Rooms",
    "tier": "silver",
    "credit_limit": "10.00",
    "credit_currency": "GBP",
}


async def test_an_unknown_customer_is_named(memory: Any) -> None:
    with pytest.raises(UnknownCustomer, match="there is no customer c-9") as caught:
        await Accounts(memory).get("c-9")
    assert caught.value.resource == ("customer", "c-9")


async def test_an_id_that_nobody_could_have_given_is_unknown_and_not_an_error(memory: Any) -> None:
    with pytest.raises(UnknownCustomer):
        await Accounts(memory).get("c\x00")


async def test_a_batch_comes_in_the_requested_order_and_each_once(memory: Any, york: Customer) -> None:
    other = replace(york, id="c-1")
    await memory.put([[york, other]])
    assert await Accounts(memory).batch_get([york.id, "c-9", other.id, york.id]) == [york, other]


async def test_a_batch_of_more_than_a_thousand_is_refused(memory: Any) -> None:
    with pytest.raises(InvalidRequest, match="customer_ids: must be at most 1000"):
        await Accounts(memory).batch_get(["c-1"] * 1001)


async def test_an_import_takes_exact_numbers_and_strings(memory: Any) -> None:
    lines = [
        json.dumps(LINE).encode(),
        json.dumps(LINE | {"id": "c-2"}).replace('"10.00"', "10.10").encode(),
    ]
    assert await Accounts(memory).load(lines) == 2
    assert [one.credit_limit for one in await memory.get_many(["c-1", "c-2"])] == [
        Decimal("10.00"),
        Decimal("10.10"),
    ]


async def test_an_import_names_line_and_field_and_keeps_nothing(memory: Any) -> None:
    lines = [json.dumps(LINE).encode(), json.dumps(LINE | {"tier": "lead"}).encode()]
    with pytest.raises(InvalidLine, match=r"^line 2: tier: must be one of standard, silver, gold$"):
        await Accounts(memory).load(lines)
    assert await memory.is_empty()


async def test_the_seed_fills_an_empty_store_once(memory: Any, york: Customer) -> None:
    assert await Accounts(memory).seed(accounts()) == 40
    await memory.put([[replace(york, name="Renamed")]])
    assert await Accounts(memory).seed(accounts()) == 0
    assert (await Accounts(memory).get(york.id)).name == "Renamed"


def test_the_seed_has_accounts_for_load_tests_and_one_that_is_soon_used_up() -> None:
    seeded = {customer.id: customer for customer in accounts()}
    assert list(seeded) == [f"c-{number}" for number in range(1001, 1041)]
    for number in range(1001, 1031):
        one = seeded[f"c-{number}"]
        assert (one.tier, one.credit_limit) == ("standard", Decimal(1_000_000_000))
    assert {one.tier for one in seeded.values()} == {"standard", "silver", "gold"}
    assert {one.credit_currency for one in seeded.values()} == {"EUR", "USD", "GBP"}
    assert (seeded["c-1040"].credit_limit, seeded["c-1040"].credit_currency) == (Decimal("100.00"), "EUR")
