from typing import Annotated

from fastapi import APIRouter, Query

from rest_api.models import Title, TitleId, TitlePage
from rest_api.routes.paging import PageSize, PageToken
from rest_api.routes.ports import PortsOf, may_answer

router = APIRouter(prefix="/api/titles", tags=["title"])

Words = Annotated[
    str,
    Query(
        max_length=200,
        description="An ISBN, or words that begin words of the name or of an author, whatever their case and accents",
    ),
]


@router.get("", responses=may_answer())
async def search_titles(
    ports: PortsOf, query: Words = "", page_size: PageSize = 20, page_token: PageToken = ""
) -> TitlePage:
    """The catalogue in the order of ids, or the titles that match: by their name first, then by an author."""
    return await ports.titles.search(query, page_size, page_token)


@router.get("/{title_id}", responses=may_answer(404))
async def get_title(ports: PortsOf, title_id: TitleId) -> Title:
    """One title."""
    return await ports.titles.get(title_id)
