from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        create table customers (
            id text primary key,
            name text not null,
            tier text not null,
            discount_percent numeric not null,
            credit_limit numeric not null,
            credit_currency text not null
        )""")


def downgrade() -> None:
    op.execute("drop table customers")
