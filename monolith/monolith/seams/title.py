from collections.abc import Mapping, Sequence

from rest_api.models import Title, TitlePage
from rest_api.ports import Titles

from monolith.seams.placement import LocalOrRemote


class SwitchableTitles(LocalOrRemote[Titles]):
    """The port of titles, answered by the module or by its service."""

    async def search(self, query: str, page_size: int, page_token: str) -> TitlePage:
        return await self().search(query, page_size, page_token)

    async def get(self, title_id: str) -> Title:
        return await self().get(title_id)

    async def batch_get(self, title_ids: Sequence[str]) -> Mapping[str, Title]:
        return await self().batch_get(title_ids)
