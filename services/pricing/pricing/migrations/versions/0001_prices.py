"""List prices and quantity breaks. No rows: they come by replication or by `pricing import`."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "list_prices",
        sa.Column("title_id", sa.Text, primary_key=True),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("amount", sa.Numeric, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "price_breaks",
        sa.Column("minimum_quantity", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("percent", sa.Numeric, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("price_breaks")
    op.drop_table("list_prices")
