from collections.abc import Mapping, Sequence
from typing import Any

from common.search import Terms, terms
from rest_api import paging
from rest_api.errors import Missing
from rest_api.models import Title, TitlePage
from sqlalchemy import ColumnElement, Row, Select, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import TSQUERY

from monolith.database import Database
from monolith.title.tables import titles

COLUMNS = [column for column in titles.columns if column.name != "updated_at"]
DOCUMENT = func.search_vector(titles.c.name, titles.c.authors, titles.c.isbn13)


def _matching(rank: int, query: str, after: str, size: int) -> Select[Any]:
    """The first `size` titles that match behind the place `after`, each with its place: rank before id.

    No index has that order, so that the planner reads the hits from the index of words. In the order of ids it may read
    the whole table instead, for seconds where the hits are few. Only ids are sorted: a word may have 50,000 hits.
    """
    position: ColumnElement[str] = literal_column(f"'{rank}'") + titles.c.id
    matches = DOCUMENT.op("@@")(cast(query, TSQUERY))
    first = select(titles.c.id).where(matches, position > after).order_by(position).limit(size)
    return select(position.label("position"), *COLUMNS).where(titles.c.id.in_(first)).order_by(position)


def _all(after: str, size: int) -> Select[Any]:
    """The first `size` titles behind the id `after`."""
    position = titles.c.id.label("position")
    return select(position, *COLUMNS).where(titles.c.id > after).order_by(titles.c.id).limit(size)


def from_row(row: Row[Any]) -> Title:
    """The title of a row."""
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
    """The port of titles, on the own database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, query: str, page_size: int, page_token: str) -> TitlePage:
        """A page of the titles that match; all titles if the query is empty."""
        after, wanted = paging.last_key(page_token), terms(query)
        if not wanted.words and query.strip():  # nothing to look for, which is not the same as no query
            return TitlePage(titles=(), next_page_token="")
        if wanted.words:
            found = await self._found(wanted, after, page_size + 1)
        else:
            found = await self._database.rows(_all(after, page_size + 1))
        more = len(found) > page_size
        return TitlePage(
            titles=tuple(map(from_row, found[:page_size])),
            next_page_token=paging.token(found[page_size - 1].position) if more else "",
        )

    async def _found(self, wanted: Terms, after: str, size: int) -> Sequence[Row[Any]]:
        """Names come first, and mostly fill the page: the others are looked for only if they do not."""
        found: list[Row[Any]] = []
        for rank, query in enumerate((wanted.in_name, wanted.elsewhere)):
            if (missing := size - len(found)) > 0:
                found += await self._database.rows(_matching(rank, query, after, missing))
        return found

    async def get(self, title_id: str) -> Title:
        """The title. Raises Missing if there is none of that id."""
        found = await self._database.rows(select(*COLUMNS).where(titles.c.id == title_id))
        if not found:
            raise Missing("title", title_id)
        return from_row(found[0])

    async def batch_get(self, title_ids: Sequence[str]) -> Mapping[str, Title]:
        """The titles that exist, by id."""
        wanted = select(*COLUMNS).where(titles.c.id == func.any(list(set(title_ids))))
        return {row.id: from_row(row) for row in await self._database.rows(wanted)}
