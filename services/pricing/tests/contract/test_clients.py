"""The real adapters against neighbours that speak real gRPC."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from figtree.currency.v1 import currency_pb2
from figtree.currency.v1.currency_pb2_grpc import (
    CurrencyServiceServicer,
    add_CurrencyServiceServicer_to_server,
)
from figtree.money.v1 import money_pb2
from figtree.title.v1 import title_pb2
from figtree.title.v1.title_pb2_grpc import TitleServiceServicer, add_TitleServiceServicer_to_server
from grpc import StatusCode, aio
from pricing import clients
from pricing.clients import RemoteCatalogue, RemoteExchange
from pricing.domain import CatalogueAway, Titles, Unavailable
from service_kit.channel import open_channel

BOUND = timedelta(minutes=2)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Title(TitleServiceServicer):
    GetTitle = SearchTitles = ListTitles = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.status = StatusCode.OK
        self.answers = asyncio.Event()
        self.answers.set()

    async def BatchGetTitles(self, request: Any, context: Any) -> title_pb2.BatchGetTitlesResponse:  # noqa: N802
        self.sizes.append(len(request.title_ids))
        await self.answers.wait()
        if self.status is not StatusCode.OK:
            await context.abort(self.status, "broken")
        known = [title_pb2.Title(id=i) for i in request.title_ids if i.startswith("t-")]
        return title_pb2.BatchGetTitlesResponse(titles=known)


class Currencies(CurrencyServiceServicer):
    Convert = BatchConvert = None  # type: ignore[assignment]

    async def GetRates(self, request: Any, context: Any) -> currency_pb2.GetRatesResponse:  # noqa: N802
        rate = currency_pb2.Rate(currency_code="USD", rate=money_pb2.Decimal(value="1.0832"))
        return currency_pb2.GetRatesResponse(date="2026-11-20", rates=[rate])


@pytest.fixture
def title() -> Title:
    return Title()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def channel(title: Title, tmp_path: Path) -> AsyncIterator[aio.Channel]:
    server = aio.server()
    add_TitleServiceServicer_to_server(title, server)
    add_CurrencyServiceServicer_to_server(Currencies(), server)
    server.add_insecure_port(f"unix:{tmp_path}/s")
    await server.start()
    async with open_channel(f"unix:{tmp_path}/s") as opened:
        yield opened
    await server.stop(None)


async def test_the_catalogue_says_which_titles_exist(channel: aio.Channel) -> None:
    assert await RemoteCatalogue(channel).existing({"t-1", "x"}) == Titles({"t-1"})


async def test_no_titles_need_no_call(channel: aio.Channel, title: Title) -> None:
    assert await RemoteCatalogue(channel).existing(set()) == Titles(set())
    assert title.sizes == []


async def test_more_titles_than_one_call_takes_go_in_several(channel: aio.Channel, title: Title) -> None:
    found = await RemoteCatalogue(channel).existing({f"t-{i}" for i in range(2_500)})
    assert len(found.existing) == 2_500
    assert sorted(title.sizes) == [500, 1_000, 1_000]


@pytest.mark.parametrize(
    "status", [StatusCode.UNAVAILABLE, StatusCode.INTERNAL, StatusCode.PERMISSION_DENIED]
)
async def test_any_failure_of_the_neighbour_is_unavailable(
    channel: aio.Channel, title: Title, status: StatusCode
) -> None:
    title.status = status
    with pytest.raises(Unavailable, match="does not answer"):
        await RemoteCatalogue(channel, BOUND).existing({"t-1"})


async def test_the_catalogue_is_asked_about_known_titles_once_a_second(
    channel: aio.Channel, title: Title, clock: Clock
) -> None:
    catalogue = RemoteCatalogue(channel, BOUND, clock=clock)
    for _ in range(3):
        for _ in range(10):
            assert await catalogue.existing({"t-1", "t-2"}) == Titles({"t-1", "t-2"})
        clock.now += 1.0
    assert title.sizes == [2, 1, 1]


@pytest.mark.parametrize(
    "status", [StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.CANCELLED]
)
async def test_titles_seen_before_are_known_while_the_catalogue_does_not_answer_and_are_marked(
    channel: aio.Channel, title: Title, clock: Clock, status: StatusCode
) -> None:
    catalogue = RemoteCatalogue(channel, BOUND, clock=clock)
    begun = datetime.now(UTC)
    await catalogue.existing({"t-1", "t-2"})
    title.status, answered = status, datetime.now(UTC)
    clock.now += 1.0
    for _ in range(2):
        found = await catalogue.existing({"t-1", "t-9"})
        assert found.existing == {"t-1"}
        assert found.unknown == {"t-9"}
        assert found.as_of is not None
        assert begun <= found.as_of <= answered


async def test_a_catalogue_that_answers_again_is_noticed_within_a_second(
    channel: aio.Channel, title: Title, clock: Clock
) -> None:
    catalogue = RemoteCatalogue(channel, BOUND, clock=clock)
    await catalogue.existing({"t-1"})
    title.status = StatusCode.UNAVAILABLE
    clock.now += 1.0
    assert (await catalogue.existing({"t-1"})).as_of is not None
    title.status = StatusCode.OK
    asked = len(title.sizes)
    assert (await catalogue.existing({"t-1"})).as_of is not None
    assert len(title.sizes) == asked
    clock.now += 1.0
    assert (await catalogue.existing({"t-1"})).as_of is not None  # this one asks, and does not wait
    async with asyncio.timeout(5):
        while (await catalogue.existing({"t-1"})).as_of is not None:
            await asyncio.sleep(0.01)
    assert await catalogue.existing({"t-1", "t-2", "x"}) == Titles({"t-1", "t-2"})


async def test_after_the_bound_a_silent_catalogue_means_no_titles(
    channel: aio.Channel, title: Title, clock: Clock
) -> None:
    catalogue = RemoteCatalogue(channel, BOUND, clock=clock)
    await catalogue.existing({"t-1"})
    title.status = StatusCode.UNAVAILABLE
    clock.now += BOUND.total_seconds() - 0.5
    assert (await catalogue.existing({"t-1"})).as_of is not None
    clock.now += 0.5
    with pytest.raises(CatalogueAway, match=r"has not answered since .* UTC, .* for at most 2 minutes"):
        await catalogue.existing({"t-1"})


async def test_without_a_bound_there_is_no_fallback(channel: aio.Channel, title: Title, clock: Clock) -> None:
    catalogue = RemoteCatalogue(channel, clock=clock)
    await catalogue.existing({"t-1"})
    title.status = StatusCode.UNAVAILABLE
    clock.now += 1.0
    with pytest.raises(CatalogueAway):
        await catalogue.existing({"t-1"})


async def test_a_refusal_of_the_catalogue_is_no_reason_to_remember(
    channel: aio.Channel, title: Title, clock: Clock
) -> None:
    catalogue = RemoteCatalogue(channel, BOUND, clock=clock)
    await catalogue.existing({"t-1"})
    title.status = StatusCode.PERMISSION_DENIED
    clock.now += 1.0
    with pytest.raises(Unavailable) as caught:
        await catalogue.existing({"t-1"})
    assert not isinstance(caught.value, CatalogueAway)


async def test_a_catalogue_that_hangs_holds_up_the_first_basket_alone(
    channel: aio.Channel, title: Title, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "PATIENCE", 0.1)
    catalogue = RemoteCatalogue(channel, BOUND, clock=clock)
    await catalogue.existing({"t-1"})
    title.answers.clear()
    clock.now += 1.0
    assert (await catalogue.existing({"t-1"})).as_of is not None
    begun = time.monotonic()
    for _ in range(20):
        clock.now += 1.0
        assert (await catalogue.existing({"t-1", "t-2"})).unknown == {"t-2"}
    assert time.monotonic() - begun < 20 * 0.1
    title.answers.set()


async def test_the_latest_rates_are_exact_and_know_the_euro(channel: aio.Channel) -> None:
    rates = await RemoteExchange(channel).latest()
    assert rates.date.isoformat() == "2026-11-20"
    assert rates.per_euro == {"EUR": Decimal(1), "USD": Decimal("1.0832")}


@pytest.mark.parametrize("fallback", [BOUND, timedelta()])
async def test_where_nothing_is_remembered_a_retry_asks_again_at_once(
    channel: aio.Channel, title: Title, clock: Clock, fallback: timedelta
) -> None:
    catalogue = RemoteCatalogue(channel, fallback, clock=clock)
    for status, ids in ((StatusCode.UNAVAILABLE, {"t-1"}), (StatusCode.DEADLINE_EXCEEDED, {"t-1", "t-2"})):
        title.status = status
        with pytest.raises(CatalogueAway):
            await catalogue.existing(ids)
        title.status = StatusCode.OK
        assert await catalogue.existing(ids) == Titles(ids)
        clock.now += BOUND.total_seconds()
