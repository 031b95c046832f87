"""This service's own database: its errors in our words, its revisions."""

from pathlib import Path

from common.conventions import FENCED
from database import Postgres

from customer.domain import NotTheWriter, StorageUnavailable

_own = Postgres(
    name="customer",
    migrations=Path(__file__).with_name("migrations"),
    unavailable=StorageUnavailable,
    states={FENCED: NotTheWriter},
)
database, rows, translating, migrate = _own.database, _own.rows, _own.translating, _own.migrate
