from collections.abc import Mapping, Sequence
from typing import Any

import common.words
from rest_api import paging
from rest_api.errors import Missing
from rest_api.models import Title, TitlePage
from sqlalchemy import ColumnElement, Row, func, literal_column, select

from monolith.database import Database
from monolith.title.tables import titles

MOST_WORDS = 8
COLUMNS = [column for column in titles.columns if column.name != "updated_at"]
# as in the index: a parameter in place of the name would hide the index from the planner
SIMPLE: ColumnElement[Any] = literal_column("'simple'::regconfig")
DOCUMENT = func.to_tsvector(SIMPLE, func.search_text(titles.c.name, titles.c.authors))


def prefixes(query: str) -> str:
    """The text search query: each word begins a word, all of them do; empty without words."""
    return " & ".join(f"{word}:*" for word in common.words.words(query)[:MOST_WORDS])


def from_row(row: Row[Any]) -> Title:
    return Title(
        id=row.id,
        isbn13=row.isbn13,
        name=row.name,
        authors=tuple(row.authors),
        format=row.format,
        publisher=row.publisher,
        year=row.year,
    )


class LocalTitles:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, query: str, page_size: int, page_token: str) -> TitlePage:
        wanted = select(*COLUMNS).where(titles.c.id > paging.last_key(page_token))
        words = prefixes(query)
        if not words and query.strip():  # nothing to look for, which is not the same as no query
            return TitlePage(titles=(), next_page_token="")
        if words:
            wanted = wanted.where(DOCUMENT.op("@@")(func.to_tsquery(SIMPLE, words)))
        found = await self._database.rows(wanted.order_by(titles.c.id).limit(page_size + 1))
        page = tuple(map(from_row, found[:page_size]))
        return TitlePage(
            titles=page, next_page_token=paging.token(page[-1].id) if len(found) > page_size else ""
        )

    async def get(self, title_id: str) -> Title:
        found = await self._database.rows(select(*COLUMNS).where(titles.c.id == title_id))
        if not found:
            raise Missing("title", title_id)
        return from_row(found[0])

    async def batch_get(self, title_ids: Sequence[str]) -> Mapping[str, Title]:
        wanted = select(*COLUMNS).where(titles.c.id == func.any(list(set(title_ids))))
        return {row.id: from_row(row) for row in await self._database.rows(wanted)}
