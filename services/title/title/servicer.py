"""Messages to values and back, and the one table of errors."""

from collections.abc import AsyncIterator, Mapping

from figtree.title.v1 import title_pb2 as pb
from figtree.title.v1.title_pb2_grpc import TitleServiceServicer
from grpc import StatusCode
from grpc.aio import ServicerContext

from title.domain import InvalidRequest, NotTheWriter, StorageUnavailable, Title, UnknownTitle
from title.service import Catalogue

SERVICE = pb.DESCRIPTOR.services_by_name["TitleService"].full_name

STATUS: Mapping[type[Exception], StatusCode] = {
    InvalidRequest: StatusCode.INVALID_ARGUMENT,
    UnknownTitle: StatusCode.NOT_FOUND,
    NotTheWriter: StatusCode.ABORTED,
    StorageUnavailable: StatusCode.UNAVAILABLE,
}

FORMATS = {"print": pb.FORMAT_PRINT, "ebook": pb.FORMAT_EBOOK, "audio": pb.FORMAT_AUDIO}


def to_proto(title: Title) -> pb.Title:
    """The one mapping from a title to the contract."""
    return pb.Title(
        id=title.id,
        isbn13=title.isbn13,
        name=title.name,
        authors=title.authors,
        format=FORMATS[title.format],
        publisher=title.publisher,
        year=title.year,
    )


class TitleServicer(TitleServiceServicer):
    """The gRPC surface; title.proto documents the methods."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def GetTitle(
        self, request: pb.GetTitleRequest, context: ServicerContext[pb.GetTitleRequest, pb.GetTitleResponse]
    ) -> pb.GetTitleResponse:
        """One title."""
        return pb.GetTitleResponse(title=to_proto(await self._catalogue.get(request.title_id)))

    async def BatchGetTitles(
        self,
        request: pb.BatchGetTitlesRequest,
        context: ServicerContext[pb.BatchGetTitlesRequest, pb.BatchGetTitlesResponse],
    ) -> pb.BatchGetTitlesResponse:
        """The titles that exist."""
        found = await self._catalogue.batch_get(request.title_ids)
        return pb.BatchGetTitlesResponse(titles=map(to_proto, found))

    async def SearchTitles(
        self,
        request: pb.SearchTitlesRequest,
        context: ServicerContext[pb.SearchTitlesRequest, pb.SearchTitlesResponse],
    ) -> pb.SearchTitlesResponse:
        """One page of the titles that match."""
        page = await self._catalogue.search(request.query, request.page_size, request.page_token)
        return pb.SearchTitlesResponse(
            titles=map(to_proto, page.titles), next_page_token=page.next_page_token
        )

    async def ListTitles(
        self,
        request: pb.ListTitlesRequest,
        context: ServicerContext[pb.ListTitlesRequest, pb.ListTitlesResponse],
    ) -> AsyncIterator[pb.ListTitlesResponse]:
        """Every title, as a stream."""
        async for title in self._catalogue.stream(request.after_id):
            yield pb.ListTitlesResponse(title=to_proto(title))
