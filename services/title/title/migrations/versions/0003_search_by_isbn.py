"""One index of names, authors and ISBNs, which tells them apart: the search lists names first, and finds ISBNs."""

from alembic import op

revision = "0003"
down_revision = "0002"

# A word of the name is kept behind n, a word of an author behind a, the ISBN behind i: GIN keeps no weights, and
# PostgreSQL reads 50,000 weights from the rows in seconds. Words are cut to 200 letters, as a word of 2 KiB is refused.
# The schema is named, as neither replication nor the creation of an index has it in its search path. No parallel
# workers: to start one takes longer than most searches.
SEARCH_VECTOR = r"""
    create function search_vector(name text, authors text[], isbn13 text) returns tsvector
    language plpgsql immutable parallel restricted cost 2000 as $$
    begin
        return (
            regexp_replace(public.search_text(name, '{}'), '(\S{1,200})\S*', 'n\1', 'g') || ' ' ||
            regexp_replace(public.search_text('', authors), '(\S{1,200})\S*', 'a\1', 'g') || ' i' || isbn13
        )::tsvector;
    end $$"""


def upgrade() -> None:
    op.execute("drop index titles_search")
    op.get_bind().exec_driver_sql(SEARCH_VECTOR)
    op.execute("create index titles_search on titles using gin (search_vector(name, authors, isbn13))")


def downgrade() -> None:
    op.execute("drop index titles_search")
    op.execute("drop function search_vector")
    op.execute(
        "create index titles_search on titles using gin (to_tsvector('simple', search_text(name, authors)))"
    )
