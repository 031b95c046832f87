from collections.abc import Iterable, Sequence
from operator import itemgetter

import pytest
from common.search import Terms
from common.words import words
from title.database import database, migrate
from title.domain import Title
from title.service import Titles
from title.storage import SqlTitles

from tests.support.postgres import emptied, migrated_database


class MemoryTitles:
    def __init__(self) -> None:
        self._titles: dict[str, Title] = {}

    async def get_many(self, ids: Sequence[str]) -> Sequence[Title]:
        return [self._titles[title_id] for title_id in ids if title_id in self._titles]

    async def page(self, after_id: str, size: int) -> Sequence[Title]:
        return [self._titles[title_id] for title_id in sorted(self._titles) if title_id > after_id][:size]

    async def search(self, terms: Terms, after: str, size: int) -> Sequence[tuple[str, Title]]:
        def begun(text: str) -> bool:
            return all(any(word.startswith(begin) for word in words(text)) for begin in terms.words)

        found = []
        for title in self._titles.values():
            if begun(title.name) or title.isbn13 == terms.isbn13:
                found.append((f"0{title.id}", title))
            elif begun(" ".join((title.name, *title.authors))):
                found.append((f"1{title.id}", title))
        return sorted((hit for hit in found if hit[0] > after), key=itemgetter(0))[:size]

    async def put(self, batches: Iterable[Sequence[Title]]) -> int:
        found = [title for batch in batches for title in batch]
        self._titles |= {title.id: title for title in found}
        return len(found)


database_url = migrated_database("title", migrate)
sql_titles = emptied(database, SqlTitles, "titles")


@pytest.fixture(params=["memory", "postgres"])
def titles(request: pytest.FixtureRequest) -> Titles:
    found: Titles = MemoryTitles() if request.param == "memory" else request.getfixturevalue("sql_titles")
    return found


@pytest.fixture
def memory() -> MemoryTitles:
    return MemoryTitles()


@pytest.fixture
def emma() -> Title:
    return Title("t-000003", "9780000000033", "Emma", ("Jane Austen",), "print", "John Murray", 1815)
