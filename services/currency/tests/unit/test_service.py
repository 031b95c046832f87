from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from common.jsonlines import InvalidLine
from currency.domain import InvalidRequest, Rate
from currency.service import Exchange, Wanted

FRIDAY = date(2026, 4, 10)


async def test_a_batch_reads_each_day_once(memory: Any, history: list[Rate]) -> None:
    await memory.put([history])
    wanted = [Wanted(Decimal(n), "EUR", "USD", on) for n in range(10) for on in (None, date(2026, 4, 5))]
    found = await Exchange(memory).batch_convert(wanted)
    assert [str(one.result) for one in found[2:6]] == ["1.17", "1.15", "2.34", "2.30"]
    assert [one.date for one in found[:2]] == [FRIDAY, date(2026, 4, 2)]
    assert memory.reads == 2


async def test_the_first_conversion_that_fails_is_named(memory: Any, history: list[Rate]) -> None:
    await memory.put([history])
    good = Wanted(Decimal(1), "EUR", "USD", None)
    with pytest.raises(InvalidRequest) as caught:
        await Exchange(memory).batch_convert([good, Wanted(Decimal(1), "EUR", "XXX", None)])
    assert caught.value.violations == (("conversions[1].to", "XXX has no rate on 2026-04-10"),)


async def test_an_import_takes_exact_numbers_and_strings(memory: Any) -> None:
    lines = [
        b'{"date": "2026-04-10", "currency": "USD", "rate": "1.1700"}\n',
        b'{"date": "2026-04-10", "currency": "JPY", "rate": 171.00}\n',
    ]
    assert await Exchange(memory).load(lines) == 2
    table = await Exchange(memory).table(None)
    assert {code: str(rate) for code, rate in table.rates.items()} == {
        "EUR": "1",
        "JPY": "171.00",
        "USD": "1.1700",
    }


async def test_an_import_names_line_and_field_and_keeps_nothing(memory: Any) -> None:
    good = b'{"date": "2026-04-10", "currency": "USD", "rate": "1.17"}'
    bad = b'{"date": "2026-04-10", "currency": "usd", "rate": "1.17"}'
    with pytest.raises(InvalidLine, match="line 2: currency: must be three capital letters other than EUR"):
        await Exchange(memory).load([good, bad])
    assert await memory.find(None) is None
