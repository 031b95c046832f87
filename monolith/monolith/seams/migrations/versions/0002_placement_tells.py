"""Who listens is told that a module answers elsewhere now."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("""
        create or replace function placement_tells() returns trigger language plpgsql as $$
        begin
            notify module_placement;
            return null;
        end $$
    """)
    op.execute("""
        create or replace trigger placement_tells after insert or update or delete or truncate on module_placement
        for each statement execute function placement_tells()
    """)


def downgrade() -> None:
    op.execute("drop trigger placement_tells on module_placement")
    op.execute("drop function placement_tells()")
