"""This service's own database: its errors in our words, its revisions."""

from pathlib import Path

from database import Postgres

from customer.domain import NotTheWriter, StorageUnavailable

_own = Postgres(
    name="customer",
    migrations=Path(__file__).with_name("migrations"),
    not_the_writer=NotTheWriter,
    unavailable=StorageUnavailable,
)
database, rows, translating, migrate = _own.database, _own.rows, _own.translating, _own.migrate
