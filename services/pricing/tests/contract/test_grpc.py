import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from figtree.pricing.v1 import pricing_pb2 as pb
from figtree.pricing.v1.pricing_pb2_grpc import PricingServiceStub, add_PricingServiceServicer_to_server
from google.rpc import error_details_pb2
from grpc import StatusCode, aio
from grpc_status import rpc_status
from pricing.service import Quoting
from pricing.servicer import STATUS, PricingServicer
from service_kit.context import Conventions
from service_kit.errors import ErrorInterceptor, reason_in


@pytest.fixture
async def stub(quoting: Quoting, tmp_path: Path) -> AsyncIterator[Any]:
    server = aio.server(interceptors=[ErrorInterceptor(STATUS, Conventions())])
    add_PricingServiceServicer_to_server(PricingServicer(quoting), server)
    server.add_insecure_port(f"unix:{tmp_path}/s")
    await server.start()
    async with aio.insecure_channel(f"unix:{tmp_path}/s") as channel:
        yield PricingServiceStub(channel)
    await server.stop(None)


def basket(*lines: tuple[str, int], currency: str = "EUR") -> pb.Basket:
    return pb.Basket(currency_code=currency, lines=[pb.Line(title_id=t, quantity=q) for t, q in lines])


async def test_a_quote_names_its_ruleset_and_is_exact(stub: Any) -> None:
    call = stub.Quote(pb.QuoteRequest(basket=basket(("t-1", 2), ("t-2", 10))))
    quote = (await call).quote
    assert dict(await call.initial_metadata())["figtree-ruleset"] == "v1"
    assert (quote.total.units, quote.total.nanos, quote.total.currency_code) == (210, 100_000_000, "EUR")
    assert quote.lines[1].list_price.currency_code == "USD"
    assert [line.discount_percent.value for line in quote.lines] == ["0", "5"]
    assert quote.rate_date == "2026-11-20"


async def test_an_answer_brings_its_digest(stub: Any) -> None:
    call = stub.Quote(pb.QuoteRequest(basket=basket(("t-1", 2))))
    content = (await call).SerializeToString(deterministic=True)
    framed = b"\0" + len(content).to_bytes(4, "big") + content
    digest = base64.b64encode(hashlib.sha256(framed).digest()).decode()
    assert dict(await call.initial_metadata())["content-digest"] == f"sha-256=:{digest}:"
    again = stub.BatchQuote(pb.BatchQuoteRequest(baskets=[basket(("t-1", 2))]))
    await again
    assert dict(await again.initial_metadata())["content-digest"].startswith("sha-256=:")


async def test_what_is_wrong_is_reported_field_by_field(stub: Any) -> None:
    with pytest.raises(aio.AioRpcError) as caught:
        await stub.Quote(pb.QuoteRequest(basket=basket(("t-9", 0), currency="XXX")))
    assert caught.value.code() == StatusCode.INVALID_ARGUMENT
    found = error_details_pb2.BadRequest()
    details = rpc_status.from_call(caught.value).details
    assert any(detail.Unpack(found) for detail in details)
    assert [(v.field, v.description) for v in found.field_violations] == [
        ("currency", "XXX has no rate on 2026-11-20"),
        ("lines[0].title_id", "there is no title t-9"),
        ("lines[0].quantity", "must be between 1 and 10000"),
    ]


async def test_in_a_batch_a_bad_basket_fails_alone(stub: Any) -> None:
    call = stub.BatchQuote(pb.BatchQuoteRequest(baskets=[basket(("t-1", 1)), basket(("t-3", 1)), basket()]))
    good, unpriced, empty = (await call).results
    assert dict(await call.initial_metadata())["figtree-ruleset"] == "v1"
    assert good.quote.total.units == 10
    assert unpriced.failure.message == "lines[0].title_id: title t-3 has no price"
    assert [v.field for v in empty.failure.violations] == ["lines"]


async def test_a_stream_goes_on_behind_a_bad_basket(stub: Any) -> None:
    call = stub.QuoteStream()
    answers = []
    for revision, quantity in enumerate((1, 0, 3), 7):
        await call.write(pb.QuoteStreamRequest(revision=revision, basket=basket(("t-1", quantity))))
        answers.append(await call.read())
    await call.done_writing()
    assert await call.read() == aio.EOF
    assert dict(await call.initial_metadata())["figtree-ruleset"] == "v1"
    assert [(a.revision, a.result.WhichOneof("result")) for a in answers] == [
        (7, "quote"),
        (8, "failure"),
        (9, "quote"),
    ]
    assert answers[2].result.quote.total.units == 30


async def test_a_silent_neighbour_is_unavailable_and_nothing_has_been_sent_that_forbids_a_retry(
    stub: Any, catalogue: Any
) -> None:
    catalogue.is_down = True
    call = stub.Quote(pb.QuoteRequest(basket=basket(("t-1", 1))))
    with pytest.raises(aio.AioRpcError) as caught:
        await call
    assert caught.value.code() == StatusCode.UNAVAILABLE
    assert "figtree-ruleset" not in dict(await call.initial_metadata())


async def test_a_quote_without_the_catalogue_says_when_that_answered_last(stub: Any, catalogue: Any) -> None:
    request = pb.QuoteRequest(basket=basket(("t-1", 1)))
    before = (await stub.Quote(request)).quote
    assert not before.HasField("titles_as_of")
    catalogue.is_down, catalogue.remembered = True, {"t-1"}
    quote = (await stub.Quote(request)).quote
    assert quote.titles_as_of.ToDatetime(UTC) == catalogue.as_of
    quote.ClearField("titles_as_of")
    assert quote == before


async def test_a_title_that_is_not_remembered_is_told_by_its_reason(stub: Any, catalogue: Any) -> None:
    catalogue.is_down, catalogue.remembered = True, {"t-1"}
    baskets = [basket(("t-1", 1)), basket(("t-2", 1)), basket()]
    known, unknown, empty = (await stub.BatchQuote(pb.BatchQuoteRequest(baskets=baskets))).results
    assert known.quote.HasField("titles_as_of")
    assert (unknown.failure.reason, list(unknown.failure.violations)) == ("CATALOGUE_AWAY", [])
    assert empty.failure.reason == "INVALID_BASKET"
    with pytest.raises(aio.AioRpcError) as caught:
        await stub.Quote(pb.QuoteRequest(basket=basket(("t-2", 1))))
    assert caught.value.code() == StatusCode.UNAVAILABLE
    assert reason_in(caught.value) == "CATALOGUE_AWAY"
