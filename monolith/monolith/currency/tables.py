from sqlalchemy import Column, Date, Numeric, Table, Text

from monolith.database import metadata

# Units for one euro; the euro itself is not stored.
rates = Table(
    "rates",
    metadata,
    Column("date", Date, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("rate", Numeric, nullable=False),
)
