"""The search finds words whatever their accents: `search_text` folds as `common.words` does."""

from alembic import op

revision = "0007"
down_revision = "0006"

INDEX = (
    "create index titles_search_idx on titles using gin (to_tsvector('simple', search_text(name, authors)))"
)
MARKS = (
    r"\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4"
    r"\u06e7\u06e8\u06ea-\u06ed\u00ad\u200b-\u200d\u2060\ufe00-\ufe0f"
)
SPELLED_WITH_MARKS = (
    r"\u0660-\u0669\u06f0-\u06f9\u0900-\u0963\u0966-\u0df3\u0e01-\u0e4e\u0e50-\u0e59\u0e81-\u0edf\u0f18-\u0f39\u0f3e-\u0f84"
    r"\u0f86-\u0fbc\u1000-\u1049\u1050-\u109f\u1780-\u17d3\u17dc\u17dd\u17e0-\u17e9"
)
# The collation pg_c_utf8 knows every letter of Unicode, whatever the locale of the database is.
# PL/pgSQL, because PostgreSQL inlines an SQL function and then ignores its cost: for a rare word it would fold each of
# 100,000 names (1.6 s) instead of reading the index (6 ms).
FOLDED = f"""
    create or replace function search_text(name text, authors text[]) returns text
    language plpgsql immutable parallel safe cost 2000 as $$
    declare
        folded text := normalize(name || ' ' || array_to_string(authors, ' '), NFKD);
    begin
        folded := lower(regexp_replace(folded, '[{MARKS}]', '', 'g') collate "pg_c_utf8");
        folded := translate(folded, 'øłđðħıς', 'olddhiσ');
        folded := replace(replace(replace(replace(folded, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');
        folded := normalize(folded, NFC);
        return regexp_replace(folded collate "pg_c_utf8", '[^[:alnum:]{SPELLED_WITH_MARKS}]+', ' ', 'g');
    end $$"""
WITH_ACCENTS = """
    create or replace function search_text(name text, authors text[]) returns text
    language sql immutable parallel safe
    return regexp_replace(lower(name || ' ' || array_to_string(authors, ' ')), '[^[:alnum:]]+', ' ', 'g')"""


def upgrade() -> None:
    _replace(FOLDED)


def downgrade() -> None:
    _replace(WITH_ACCENTS)


def _replace(function: str) -> None:
    """An index keeps what its function returned, so it is built anew."""
    op.execute("drop index titles_search_idx")
    op.get_bind().exec_driver_sql(function)
    op.execute(INDEX)
