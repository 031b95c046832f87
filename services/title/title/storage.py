"""The table `titles` and its statements."""

from collections.abc import Iterable, Sequence

from database import writing
from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    DateTime,
    Integer,
    MetaData,
    Row,
    Table,
    Text,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert
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

# The expression of the index `titles_search`; with a parameter in it the planner would not know it.
SIMPLE: ColumnElement[str] = literal_column("'simple'::regconfig")
SEARCHED = func.to_tsvector(SIMPLE, func.search_text(titles.c.name, titles.c.authors))

UPSERT = insert(titles)
UPSERT = UPSERT.on_conflict_do_update(
    index_elements=["id"],
    set_={column.name: UPSERT.excluded[column.name] for column in FIELDS} | {"updated_at": func.now()},
)


class SqlTitles:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get_many(self, ids: Sequence[str]) -> Sequence[Title]:
        statement = select(*FIELDS).where(titles.c.id == func.any(ids))
        return [_title(row) for row in await rows(self._engine, statement)]

    async def page(self, words: Sequence[str], after: str, size: int) -> Sequence[Title]:
        statement = select(*FIELDS).where(titles.c.id > after).order_by(titles.c.id).limit(size)
        if words:
            query = " & ".join(f"{word}:*" for word in words)
            statement = statement.where(SEARCHED.op("@@")(func.to_tsquery(SIMPLE, query)))
        return [_title(row) for row in await rows(self._engine, statement)]

    async def put(self, batches: Iterable[Sequence[Title]]) -> int:
        count = 0
        with translating():
            async with writing(self._engine).begin() as connection:
                for batch in batches:
                    await connection.execute(UPSERT, [_row(title) for title in batch])
                    count += len(batch)
        return count


def _title(row: Row[tuple[object, ...]]) -> Title:
    fields = row._mapping
    return Title(**{**fields, "authors": tuple(fields["authors"])})


def _row(title: Title) -> dict[str, object]:
    row = {column.name: getattr(title, column.name) for column in FIELDS}
    return row | {"authors": list(title.authors)}
