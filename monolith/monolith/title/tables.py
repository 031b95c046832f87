from sqlalchemy import Column, DateTime, Integer, Table, Text, func
from sqlalchemy.dialects.postgresql import ARRAY

from monolith.database import metadata

titles = Table(
    "titles",
    metadata,
    Column("id", Text, primary_key=True),
    Column("isbn13", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("authors", ARRAY(Text), nullable=False),
    Column("format", Text, nullable=False),
    Column("publisher", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
