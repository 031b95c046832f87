"""The catalogue and its search."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        create table titles (
            id text primary key,
            isbn13 text not null,
            name text not null,
            authors text[] not null,
            format text not null,
            publisher text not null,
            year int not null,
            updated_at timestamptz not null default now()
        )
    """)
    # array_to_string is only stable because elements of some types print by setting; text does not
    op.execute("""
        create function search_text(name text, authors text[]) returns text
        language sql immutable parallel safe
        return regexp_replace(lower(name || ' ' || array_to_string(authors, ' ')), '[^[:alnum:]]+', ' ', 'g')
    """)
    op.execute("""
        create index titles_search_idx on titles
        using gin (to_tsvector('simple', search_text(name, authors)))
    """)


def downgrade() -> None:
    op.execute("drop table titles")
    op.execute("drop function search_text")
