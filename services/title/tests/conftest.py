from collections.abc import Iterable, Sequence

import common.words
import pytest
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

    async def page(self, words: Sequence[str], after: str, size: int) -> Sequence[Title]:
        def matches(title: Title) -> bool:
            known = common.words.words(" ".join((title.name, *title.authors)))
            return all(any(word.startswith(prefix) for word in known) for prefix in words)

        return [self._titles[i] for i in sorted(self._titles) if i > after and matches(self._titles[i])][
            :size
        ]

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
