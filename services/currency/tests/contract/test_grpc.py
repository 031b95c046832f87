"""The gRPC surface over a real server on a socket: over each storage, and each implementation as a process."""

import base64
import hashlib
from typing import Any

import pytest
from figtree.currency.v1 import currency_pb2 as pb
from figtree.money.v1.money_pb2 import Decimal, Money
from google.rpc import error_details_pb2
from grpc import StatusCode, aio
from grpc_status import rpc_status


def wanted(units: int, nanos: int, source: str, target: str, on: str = "") -> pb.ConvertRequest:
    amount = Money(currency_code=source, units=units, nanos=nanos)
    return pb.ConvertRequest(amount=amount, to_currency_code=target, date=on)


async def violations(call: Any) -> list[tuple[str, str]]:
    with pytest.raises(aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is StatusCode.INVALID_ARGUMENT
    status, bad = rpc_status.from_call(caught.value), error_details_pb2.BadRequest()
    assert status is not None
    assert any(detail.Unpack(bad) for detail in status.details)
    return [(violation.field, violation.description) for violation in bad.field_violations]


async def test_the_latest_table_stands_in_the_order_of_codes(stub: Any) -> None:
    answer = await stub.GetRates(pb.GetRatesRequest())
    assert answer.date == "2026-04-10"
    assert [(rate.currency_code, rate.rate.value) for rate in answer.rates] == [
        ("EUR", "1"),
        ("GBP", "0.86515"),
        ("JPY", "171.00"),
        ("USD", "1.1700"),
    ]


async def test_a_day_without_rates_falls_back(stub: Any) -> None:
    assert (await stub.GetRates(pb.GetRatesRequest(date="2026-04-06"))).date == "2026-04-02"
    assert (await stub.GetRates(pb.GetRatesRequest(date="2026-04-12"))).date == "2026-04-10"


async def test_a_day_outside_is_invalid(stub: Any) -> None:
    assert await violations(stub.GetRates(pb.GetRatesRequest(date="2026-04-13"))) == [
        ("date", "rates are known from 2026-04-02 to 2026-04-10")
    ]


async def test_a_conversion_is_exact(stub: Any) -> None:
    answer = await stub.Convert(wanted(12, 500_000_000, "EUR", "USD"))
    assert answer == pb.ConvertResponse(
        result=Money(currency_code="USD", units=14, nanos=620_000_000),
        rate=Decimal(value="1.1700"),
        date="2026-04-10",
    )
    negative = await stub.Convert(wanted(-12, -500_000_000, "EUR", "USD", "2026-04-10"))
    assert (negative.result.units, negative.result.nanos) == (-14, -620_000_000)


async def test_a_currency_without_a_rate_is_named(stub: Any) -> None:
    assert await violations(stub.Convert(wanted(1, 0, "XXX", "GBP", "2026-04-08"))) == [
        ("from", "XXX has no rate on 2026-04-07"),
        ("to", "GBP has no rate on 2026-04-07"),
    ]


@pytest.mark.parametrize(("units", "nanos"), [(1, -1), (0, 1_000_000_000)])
async def test_money_that_contradicts_itself_is_invalid(stub: Any, units: int, nanos: int) -> None:
    found = await violations(
        stub.BatchConvert(
            pb.BatchConvertRequest(
                conversions=[wanted(1, 0, "EUR", "USD"), wanted(units, nanos, "EUR", "USD")]
            )
        )
    )
    assert [field for field, _ in found] == ["conversions[1].amount"]


async def test_a_batch_answers_each_in_its_place(stub: Any) -> None:
    request = pb.BatchConvertRequest(
        conversions=[wanted(n, 0, "EUR", "JPY", "" if n % 2 else "2026-04-02") for n in range(1, 1001)]
    )
    answer = await stub.BatchConvert(request)
    assert len(answer.conversions) == 1000
    assert [one.result.units for one in answer.conversions[:3]] == [171, 340, 513]


async def test_more_than_a_thousand_are_refused(stub: Any) -> None:
    request = pb.BatchConvertRequest(conversions=[wanted(1, 0, "EUR", "USD")] * 1001)
    assert await violations(stub.BatchConvert(request)) == [("conversions", "must be at most 1000")]


async def test_only_an_answer_that_a_mirror_has_asked_for_names_its_digest(stub: Any) -> None:
    for call, request in (
        (stub.GetRates, pb.GetRatesRequest()),
        (stub.Convert, wanted(1, 0, "EUR", "USD")),
        (stub.BatchConvert, pb.BatchConvertRequest(conversions=[wanted(1, 0, "EUR", "USD")])),
    ):
        plain, marked = call(request), call(request, metadata=[("x-figtree-mirrored", "yes")])
        content = (await marked).SerializeToString(deterministic=True)
        framed = b"\0" + len(content).to_bytes(4, "big") + content
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(framed).digest()).decode()}:"
        assert dict(await marked.initial_metadata())["content-digest"] == digest
        assert "content-digest" not in dict(await plain.initial_metadata())
