"""A span for a storage's call: one statement, named by what it does first and to which table."""

import re
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

from opentelemetry.trace import SpanKind

from tracing.spans import TRACEPARENT, Headers, is_sampled, span

NOTHING = nullcontext()
VERB = re.compile(r"\b(insert into|update|delete from|from|join)\s+(?!unnest\b|lateral\b|\()([a-z_]+)", re.I)


@lru_cache(256)
def summary(statement: str) -> str:
    """insert orders."""
    match = VERB.search(statement)
    if match is None:
        return statement.split(maxsplit=1)[0].lower()
    verb = match[1].split()[0].lower()
    return f"{'select' if verb in ('from', 'join') else verb} {match[2].lower()}"


def statement_span(statement: object, headers: Headers, database: str) -> AbstractContextManager[object]:
    """A span around one statement, if the call under way is sampled."""
    if not is_sampled(headers.get(TRACEPARENT, "")):
        return NOTHING
    return span(
        _name_of(statement), SpanKind.CLIENT, headers, db__system__name="postgresql", db__namespace=database
    )


def _name_of(statement: Any) -> str:
    """Of SQLAlchemy's `text` or `select`, without compiling it."""
    if text := getattr(statement, "text", ""):
        return summary(text)
    sources: Any = getattr(statement, "get_final_froms", tuple)()
    return f"select {_table(sources[0])}".rstrip() if sources else "select"


def _table(source: Any) -> str:
    """The first of a join."""
    while hasattr(source, "left"):
        source = source.left
    name = str(getattr(source, "name", ""))
    return "" if name.startswith("%") else name  # a subquery without a name
