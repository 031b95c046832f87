"""List prices and quantity breaks."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        create table list_prices (
            title_id text primary key,
            currency text not null,
            amount numeric not null,
            updated_at timestamptz not null default now()
        )
    """)
    op.execute("create table price_breaks (minimum_quantity int primary key, percent numeric not null)")


def downgrade() -> None:
    op.execute("drop table price_breaks")
    op.execute("drop table list_prices")
