from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)

from monolith.database import metadata

orders = Table(
    "orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("discount_percent", Numeric, nullable=False),
    Column("total", Numeric, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("customer_id", "idempotency_key", name="orders_customer_id_idempotency_key_key"),
    Index("orders_customer_id_id_idx", "customer_id", text("id DESC")),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("line_number", Integer, primary_key=True),
    Column("title_id", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price", Numeric, nullable=False),
    Column("total", Numeric, nullable=False),
)

order_events = Table(
    "order_events",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("status", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("published", Boolean, nullable=False, server_default=false()),
    Index("order_events_unpublished_idx", "at", postgresql_where=text("NOT published")),
)
