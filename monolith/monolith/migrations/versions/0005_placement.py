"""Where each module answers: in this process or as a service."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("""
        create table module_placement (
            module text primary key,
            place text not null check (place in ('local', 'remote'))
        )
    """)


def downgrade() -> None:
    op.execute("drop table module_placement")
