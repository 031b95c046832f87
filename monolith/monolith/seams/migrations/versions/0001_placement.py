"""Where each module answers: in this process or as a service.

The table may exist already: it was revision 0005 of the modules before the seams had revisions of their own.
"""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        create table if not exists module_placement (
            module text primary key,
            place text not null check (place in ('local', 'remote'))
        )
    """)


def downgrade() -> None:
    op.execute("drop table module_placement")
