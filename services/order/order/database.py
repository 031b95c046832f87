"""This service's own database: its errors in our words, its revisions."""

from pathlib import Path

from common.conventions import FENCED
from database import Postgres

from order.domain import NotTheWriter, Unavailable

_own = Postgres(
    name="order",
    migrations=Path(__file__).with_name("migrations"),
    unavailable=lambda: Unavailable("the database does not answer"),
    states={FENCED: NotTheWriter},
)
database, rows, translating, migrate = _own.database, _own.rows, _own.translating, _own.migrate
