from collections.abc import Mapping, Sequence
from typing import Literal

from coalescing.coalesce import Busy, Coalescer
from common.conventions import ROUTED_BY
from figtree.title.v1 import title_pb2 as pb
from figtree.title.v1.title_pb2_grpc import TitleServiceStub
from grpc.aio import Channel

from rest_api.errors import Missing, Overloaded
from rest_api.models import Title, TitlePage
from rest_api.remote.errors import translating

FORMATS: dict[int, Literal["print", "ebook", "audio"]] = {
    pb.FORMAT_PRINT: "print",
    pb.FORMAT_EBOOK: "ebook",
    pb.FORMAT_AUDIO: "audio",
}


def from_proto(title: pb.Title) -> Title:
    """The one mapping from the contract to REST."""
    return Title(
        id=title.id,
        isbn13=title.isbn13,
        name=title.name,
        authors=tuple(title.authors),
        format=FORMATS[title.format],
        publisher=title.publisher,
        year=title.year,
    )


class RemoteTitles:
    """The port of titles, over gRPC."""

    def __init__(self, channel: Channel) -> None:
        self._stub = TitleServiceStub(channel)
        self._coalesced = Coalescer(self._get_each, split_by=ROUTED_BY)

    async def search(self, query: str, page_size: int, page_token: str) -> TitlePage:
        """A page of the titles that match; all titles if the query is empty."""
        request = pb.SearchTitlesRequest(query=query, page_size=page_size, page_token=page_token)
        with translating():
            page = await self._stub.SearchTitles(request)
        return TitlePage(titles=tuple(map(from_proto, page.titles)), next_page_token=page.next_page_token)

    async def get(self, title_id: str) -> Title:
        """The title. Raises Missing if there is none of that id. Those that are asked for at once are one call."""
        try:
            title = await self._coalesced(title_id)
        except Busy as error:
            raise Overloaded(str(error)) from error
        if title is None:
            raise Missing("title", title_id)
        return title

    async def _get_each(self, title_ids: Sequence[str]) -> list[Title | None]:
        if len(title_ids) == 1:
            with translating():
                return [
                    from_proto((await self._stub.GetTitle(pb.GetTitleRequest(title_id=title_ids[0]))).title)
                ]
        found = await self.batch_get(title_ids)
        return [found.get(title_id) for title_id in title_ids]

    async def batch_get(self, title_ids: Sequence[str]) -> Mapping[str, Title]:
        """The titles that exist, by id."""
        with translating():
            found = await self._stub.BatchGetTitles(pb.BatchGetTitlesRequest(title_ids=title_ids))
        return {title.id: from_proto(title) for title in found.titles}
