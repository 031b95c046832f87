"""The table `titles` and its statements."""

from collections.abc import Iterable, Sequence
from typing import Any

from common.search import Terms
from database import writing
from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    DateTime,
    Integer,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import TSQUERY, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from title.database import rows, translating
from title.domain import Title

metadata = MetaData()
titles = Table(
    "titles",
    metadata,
    Column("id", Text, primary_key=True),
    Column("isbn13", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("authors", ARRAY(Text), nullable=False),
    Column("format", Text, nullable=False),
    Column("publisher", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
FIELDS = [column for column in titles.c if column.name != "updated_at"]

SEARCHED = func.search_vector(titles.c.name, titles.c.authors, titles.c.isbn13)

UPSERT = insert(titles)
UPSERT = UPSERT.on_conflict_do_update(
    index_elements=["id"],
    set_={column.name: UPSERT.excluded[column.name] for column in FIELDS} | {"updated_at": func.now()},
)


class SqlTitles:
    """Titles in PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get_many(self, ids: Sequence[str]) -> Sequence[Title]:
        """Those that exist, in any order."""
        statement = select(*FIELDS).where(titles.c.id == func.any(ids))
        return [_title(row) for row in await rows(self._engine, statement)]

    async def page(self, after_id: str, size: int) -> Sequence[Title]:
        """The first `size` titles behind that id, by id."""
        statement = select(*FIELDS).where(titles.c.id > after_id).order_by(titles.c.id).limit(size)
        return [_title(row) for row in await rows(self._engine, statement)]

    async def search(self, terms: Terms, after: str, size: int) -> Sequence[tuple[str, Title]]:
        """The first `size` hits behind the position `after`, each with its position: rank before id.

        Names come first, and mostly fill the page: the others are looked for only if they do not.
        """
        found: list[Row[Any]] = []
        for rank, query in enumerate((terms.in_name, terms.elsewhere)):
            if (missing := size - len(found)) > 0:
                found += await rows(self._engine, _matching(rank, query, after, missing))
        return [(row.position, _title(row)) for row in found]

    async def put(self, batches: Iterable[Sequence[Title]]) -> int:
        """Insert or replace all of them or none; how many they were."""
        count = 0
        with translating():
            async with writing(self._engine).begin() as connection:
                for batch in batches:
                    await connection.execute(UPSERT, [_row(title) for title in batch])
                    count += len(batch)
        return count


def _matching(rank: int, query: str, after: str, size: int) -> Select[Any]:
    """The first `size` titles that match behind the position `after`, each with its position.

    No index has that order, so that the planner reads the hits from the index of words. In the order of ids it may read
    the whole table instead, for seconds where the hits are few. Only ids are sorted: a word may have 50,000 hits.
    """
    position: ColumnElement[str] = literal_column(f"'{rank}'") + titles.c.id
    matches = SEARCHED.op("@@")(cast(query, TSQUERY))
    first = select(titles.c.id).where(matches, position > after).order_by(position).limit(size)
    return select(position.label("position"), *FIELDS).where(titles.c.id.in_(first)).order_by(position)


def _title(row: Row[Any]) -> Title:
    fields = {column.name: getattr(row, column.name) for column in FIELDS}
    return Title(**fields | {"authors": tuple(row.authors)})


def _row(title: Title) -> dict[str, object]:
    row = {column.name: getattr(title, column.name) for column in FIELDS}
    return row | {"authors": list(title.authors)}
