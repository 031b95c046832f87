from sqlalchemy import Column, DateTime, Integer, Numeric, Table, Text, func

from monolith.database import metadata

list_prices = Table(
    "list_prices",
    metadata,
    Column("title_id", Text, primary_key=True),
    Column("currency", Text, nullable=False),
    Column("amount", Numeric, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

price_breaks = Table(
    "price_breaks",
    metadata,
    Column("minimum_quantity", Integer, primary_key=True, autoincrement=False),
    Column("percent", Numeric, nullable=False),
)
