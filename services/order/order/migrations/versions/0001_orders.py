from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        create table orders (
            id uuid primary key,
            customer_id text not null,
            idempotency_key text not null,
            content_hash text not null,
            status text not null,
            currency text not null,
            discount_percent numeric not null,
            total numeric not null,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            unique (customer_id, idempotency_key)
        )""")
    op.execute("create index orders_customer_id_id_idx on orders (customer_id, id desc)")
    op.execute("""
        create table order_lines (
            order_id uuid,
            line_number int,
            title_id text not null,
            quantity int not null,
            unit_price numeric not null,
            total numeric not null,
            primary key (order_id, line_number)
        )""")
    op.execute("""
        create table order_events (
            order_id uuid,
            sequence int,
            status text not null,
            at timestamptz not null,
            published bool not null default false,
            primary key (order_id, sequence)
        )""")
    op.execute("create index order_events_unpublished_idx on order_events (at) where not published")


def downgrade() -> None:
    op.execute("drop table order_events, order_lines, orders")
