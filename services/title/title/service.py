"""The catalogue's use cases, and what they need."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from common import jsonlines, paging
from common.search import Terms, terms

from title import domain
from title.domain import InvalidRequest, Title, UnknownTitle

BATCH = 1_000
STEP = 500  # titles that a stream holds at a time


class Titles(Protocol):
    """The stored catalogue."""

    async def get_many(self, ids: Sequence[str]) -> Sequence[Title]:
        """Those that exist, in any order."""
        ...

    async def page(self, after_id: str, size: int) -> Sequence[Title]:
        """The first `size` titles behind that id, by id."""
        ...

    async def search(self, terms: Terms, after: str, size: int) -> Sequence[tuple[str, Title]]:
        """The first `size` hits behind the position `after`, each with its position: names first, then by id."""
        ...

    async def put(self, batches: Iterable[Sequence[Title]]) -> int:
        """Insert or replace all of them or none; how many they were."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """Titles, and the token of the next page; "" on the last."""

    titles: Sequence[Title]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The use cases of the catalogue."""

    titles: Titles

    async def get(self, title_id: str) -> Title:
        """The title. Raises UnknownTitle."""
        if found := await self.batch_get([title_id]):
            return found[0]
        raise UnknownTitle(title_id)

    async def batch_get(self, title_ids: Sequence[str]) -> Sequence[Title]:
        """Those that exist, in the order asked for, each once."""
        if len(title_ids) > BATCH:
            raise InvalidRequest([("title_ids", f"must be at most {BATCH}")])
        ids = [title_id for title_id in dict.fromkeys(title_ids) if domain.is_id(title_id)]
        found = {title.id: title for title in await self.titles.get_many(ids)} if ids else {}
        return [found[title_id] for title_id in ids if title_id in found]

    async def search(self, query: str, page_size: int, page_token: str) -> Page:
        """A page of 1 to 100 titles (0: 20) that match. Raises InvalidRequest with all that is wrong."""
        size = page_size or 20
        violations = []
        if len(query) > 200:
            violations.append(("query", "must be at most 200 characters"))
        if not 1 <= size <= 100:
            violations.append(("page_size", "must be between 1 and 100"))
        if violations:
            raise InvalidRequest(violations)
        wanted, after = terms(query), paging.last_key(page_token)
        if not wanted.words and query.strip():  # nothing to look for, which is not the same as no query
            return Page((), "")
        if wanted.words:
            found = await self.titles.search(wanted, after, size + 1)
        else:
            found = [(title.id, title) for title in await self.titles.page(after, size + 1)]
        titles = [title for _, title in found[:size]]
        return Page(titles, paging.token(found[size - 1][0]) if len(found) > size else "")

    async def stream(self, after_id: str) -> AsyncIterator[Title]:
        """All titles behind that id, by id. Raises InvalidRequest if it is not an id."""
        if after_id and not domain.is_id(after_id):
            raise InvalidRequest([("after_id", "must be empty or the id of a title")])
        while titles := await self.titles.page(after_id, STEP):
            for title in titles:
                yield title
            if len(titles) < STEP:
                return
            after_id = titles[-1].id

    async def load(self, lines: Iterable[bytes]) -> int:
        """Import JSON lines, all or none."""
        titles = jsonlines.read(lines, domain.title_from)
        return await self.titles.put(jsonlines.batches(titles, BATCH))
