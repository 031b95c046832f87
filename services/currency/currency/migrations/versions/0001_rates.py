from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        create table rates (
            date date,
            currency text,
            rate numeric not null,
            primary key (date, currency)
        )""")


def downgrade() -> None:
    op.execute("drop table rates")
