"""The real adapters against neighbours that speak real gRPC."""

from collections.abc import AsyncIterator
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
from pricing.clients import RemoteCatalogue, RemoteExchange
from pricing.domain import Unavailable
from service_kit.channel import open_channel


class Titles(TitleServiceServicer):
    GetTitle = SearchTitles = ListTitles = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.is_down = False

    async def BatchGetTitles(self, request: Any, context: Any) -> title_pb2.BatchGetTitlesResponse:  # noqa: N802
        self.sizes.append(len(request.title_ids))
        if self.is_down:
            await context.abort(StatusCode.INTERNAL, "broken")
        known = [title_pb2.Title(id=i) for i in request.title_ids if i.startswith("t-")]
        return title_pb2.BatchGetTitlesResponse(titles=known)


class Currencies(CurrencyServiceServicer):
    Convert = BatchConvert = None  # type: ignore[assignment]

    async def GetRates(self, request: Any, context: Any) -> currency_pb2.GetRatesResponse:  # noqa: N802
        rate = currency_pb2.Rate(currency_code="USD", rate=money_pb2.Decimal(value="1.0832"))
        return currency_pb2.GetRatesResponse(date="2026-11-20", rates=[rate])


@pytest.fixture
def titles() -> Titles:
    return Titles()


@pytest.fixture
async def channel(titles: Titles, tmp_path: Path) -> AsyncIterator[aio.Channel]:
    server = aio.server()
    add_TitleServiceServicer_to_server(titles, server)
    add_CurrencyServiceServicer_to_server(Currencies(), server)
    server.add_insecure_port(f"unix:{tmp_path}/s")
    await server.start()
    async with open_channel(f"unix:{tmp_path}/s") as opened:
        yield opened
    await server.stop(None)


async def test_the_catalogue_says_which_titles_exist(channel: aio.Channel) -> None:
    assert await RemoteCatalogue(channel).existing({"t-1", "x"}) == {"t-1"}


async def test_no_titles_need_no_call(channel: aio.Channel, titles: Titles) -> None:
    assert not await RemoteCatalogue(channel).existing(set())
    assert titles.sizes == []


async def test_more_titles_than_one_call_takes_go_in_several(channel: aio.Channel, titles: Titles) -> None:
    found = await RemoteCatalogue(channel).existing({f"t-{i}" for i in range(2_500)})
    assert len(found) == 2_500
    assert sorted(titles.sizes) == [500, 1_000, 1_000]


async def test_any_failure_of_the_neighbour_is_unavailable(channel: aio.Channel, titles: Titles) -> None:
    titles.is_down = True
    with pytest.raises(Unavailable, match="title does not answer"):
        await RemoteCatalogue(channel).existing({"t-1"})


async def test_the_latest_rates_are_exact_and_know_the_euro(channel: aio.Channel) -> None:
    rates = await RemoteExchange(channel).latest()
    assert rates.date.isoformat() == "2026-11-20"
    assert rates.per_euro == {"EUR": Decimal(1), "USD": Decimal("1.0832")}
