"""Who listens is told that a module answers elsewhere now."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("""
        create function placement_tells() returns trigger language plpgsql as $$
        begin
            notify module_placement;
            return null;
        end $$
    """)
    op.execute("""
        create trigger placement_tells after insert or update or delete or truncate on module_placement
        for each statement execute function placement_tells()
    """)


def downgrade() -> None:
    op.execute("drop trigger placement_tells on module_placement")
    op.execute("drop function placement_tells()")
