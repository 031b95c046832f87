"""The gRPC surface over a real server on a socket, with the real storage behind it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from figtree.title.v1 import title_pb2 as pb
from figtree.title.v1.title_pb2_grpc import TitleServiceStub, add_TitleServiceServicer_to_server
from google.rpc import error_details_pb2
from grpc import StatusCode, aio
from grpc_status import rpc_status
from service_kit.context import Conventions
from service_kit.errors import ErrorInterceptor
from title.domain import Title
from title.service import Catalogue, Titles
from title.servicer import STATUS, TitleServicer


@pytest.fixture
async def stub(titles: Titles, emma: Title, tmp_path: Path) -> AsyncIterator[Any]:
    await titles.put([[emma, replace(emma, id="t-000004", format="audio", year=-700)]])
    server = aio.server(interceptors=[ErrorInterceptor(STATUS, Conventions())])
    add_TitleServiceServicer_to_server(TitleServicer(Catalogue(titles)), server)
    address = f"unix:{tmp_path}/title"
    server.add_insecure_port(address)
    await server.start()
    async with aio.insecure_channel(address) as channel:
        yield TitleServiceStub(channel)
    await server.stop(None)


async def test_a_title_has_all_its_fields(stub: Any) -> None:
    answer = await stub.GetTitle(pb.GetTitleRequest(title_id="t-000003"))
    assert answer.title == pb.Title(
        id="t-000003",
        isbn13="9780000000033",
        name="Emma",
        authors=["Jane Austen"],
        format=pb.FORMAT_PRINT,
        publisher="John Murray",
        year=1815,
    )


async def test_an_unknown_title_is_not_found_and_named(stub: Any) -> None:
    with pytest.raises(aio.AioRpcError, match="there is no title t-9") as caught:
        await stub.GetTitle(pb.GetTitleRequest(title_id="t-9"))
    assert caught.value.code() is StatusCode.NOT_FOUND
    info, resource = error_details_pb2.ErrorInfo(), error_details_pb2.ResourceInfo()
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(resource)
    assert info.reason == "UNKNOWN_TITLE"
    assert (resource.resource_type, resource.resource_name) == ("title", "t-9")


async def test_a_batch_leaves_out_what_does_not_exist(stub: Any) -> None:
    answer = await stub.BatchGetTitles(pb.BatchGetTitlesRequest(title_ids=["t-000004", "t-9", "t-000003"]))
    assert [title.id for title in answer.titles] == ["t-000004", "t-000003"]


async def test_search_gives_pages(stub: Any) -> None:
    first = await stub.SearchTitles(pb.SearchTitlesRequest(query="Austen", page_size=1))
    second = await stub.SearchTitles(
        pb.SearchTitlesRequest(query="Austen", page_size=1, page_token=first.next_page_token)
    )
    assert [title.id for title in (*first.titles, *second.titles)] == ["t-000003", "t-000004"]
    assert second.next_page_token == ""


async def test_a_foreign_page_token_is_invalid(stub: Any) -> None:
    with pytest.raises(
        aio.AioRpcError,
        match="page_token: must be empty or the next_page_token of an earlier page of this list",
    ) as caught:
        await stub.SearchTitles(pb.SearchTitlesRequest(page_token="?"))
    assert caught.value.code() is StatusCode.INVALID_ARGUMENT


async def test_the_whole_catalogue_is_streamed_behind_an_id(stub: Any) -> None:
    whole = [answer.title.id async for answer in stub.ListTitles(pb.ListTitlesRequest())]
    rest = [answer.title.id async for answer in stub.ListTitles(pb.ListTitlesRequest(after_id="t-000003"))]
    assert (whole, rest) == (["t-000003", "t-000004"], ["t-000004"])
