"""Titles that are asked for at once are one call to the catalogue, and each caller gets its own answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from figtree.title.v1 import title_pb2 as pb
from figtree.title.v1.title_pb2_grpc import TitleServiceServicer, add_TitleServiceServicer_to_server
from grpc import StatusCode, aio
from rest_api import errors
from rest_api.remote.title import RemoteTitles
from service_kit.channel import open_channel


class Catalogue(TitleServiceServicer):
    """Knows each title whose id begins with t-; answers when `go` is set."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.go = asyncio.Event()
        self.away = False

    async def _found(self, ids: list[str], context: Any) -> list[pb.Title]:
        self.calls.append(ids)
        await self.go.wait()
        if self.away:
            await context.abort(StatusCode.UNAVAILABLE, "away")
        return [pb.Title(id=one, format=pb.FORMAT_PRINT) for one in ids if one.startswith("t-")]

    async def GetTitle(self, request: pb.GetTitleRequest, context: Any) -> pb.GetTitleResponse:  # noqa: N802
        if not (found := await self._found([request.title_id], context)):
            await context.abort(StatusCode.NOT_FOUND, "none")
        return pb.GetTitleResponse(title=found[0])

    async def BatchGetTitles(  # noqa: N802
        self, request: pb.BatchGetTitlesRequest, context: Any
    ) -> pb.BatchGetTitlesResponse:
        return pb.BatchGetTitlesResponse(titles=await self._found(list(request.title_ids), context))


@pytest.fixture
async def served() -> AsyncIterator[tuple[Catalogue, RemoteTitles]]:
    server, catalogue = aio.server(), Catalogue()  # type: ignore[abstract]  # nothing else is asked
    add_TitleServiceServicer_to_server(catalogue, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_channel(f"127.0.0.1:{port}") as channel:
        yield catalogue, RemoteTitles(channel)
    await server.stop(None)


async def asked(catalogue: Catalogue, titles: RemoteTitles, *ids: str) -> list[Any]:
    """Two that keep both batches busy, then these at once."""
    first = []
    for one in ("t-1", "t-2"):
        first.append(asyncio.create_task(titles.get(one)))
        while len(catalogue.calls) < len(first):
            await asyncio.sleep(0.01)
    then = [asyncio.create_task(titles.get(one)) for one in ids]
    await asyncio.sleep(0)
    catalogue.go.set()
    await asyncio.gather(*first, return_exceptions=True)
    return await asyncio.gather(*then, return_exceptions=True)


async def test_titles_asked_for_at_once_are_one_call(served: tuple[Catalogue, RemoteTitles]) -> None:
    catalogue, titles = served
    found = await asked(catalogue, titles, "t-3", "none", "t-4", "t-3")
    assert [getattr(one, "id", None) for one in found] == ["t-3", None, "t-4", "t-3"]
    assert isinstance(found[1], errors.Missing)
    assert str(found[1]) == "there is no title none"
    assert len(catalogue.calls) == 3
    assert set(catalogue.calls[2]) == {"t-3", "none", "t-4"}


async def test_one_that_is_asked_for_alone_is_missed_in_the_same_words(
    served: tuple[Catalogue, RemoteTitles],
) -> None:
    catalogue, titles = served
    catalogue.go.set()
    with pytest.raises(errors.Missing):
        await titles.get("none")
    assert (await titles.get("t-1")).id == "t-1"
    assert catalogue.calls == [["none"], ["t-1"]]


async def test_a_catalogue_that_is_away_is_told_to_each(served: tuple[Catalogue, RemoteTitles]) -> None:
    catalogue, titles = served
    catalogue.away = True
    found = await asked(catalogue, titles, "t-3", "t-4")
    assert [type(one) for one in found] == [errors.Unavailable] * 2
