from typing import Annotated

from fastapi import APIRouter, Query

from edge.models import Title, TitleId, TitlePage
from edge.routes.ports import PortsOf, may_answer

router = APIRouter(prefix="/api/titles", tags=["title"])


@router.get("", responses=may_answer(400))
async def search_titles(
    ports: PortsOf,
    query: Annotated[
        str, Query(max_length=200, description="Words that begin a word of the name or of an author")
    ] = "",
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
    page_token: Annotated[str, Query(max_length=200)] = "",
) -> TitlePage:
    return await ports.titles.search(query, page_size, page_token)


@router.get("/{title_id}", responses=may_answer(400, 404))
async def get_title(ports: PortsOf, title_id: TitleId) -> Title:
    return await ports.titles.get(title_id)
