"""Orders of the past, all shipped, so that a load test meets a database with a history."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

import asyncpg

from monolith.order.tables import order_events, order_lines, orders

SEED = 1859
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
SPACING = timedelta(seconds=150)  # a million of them end in 2024
CUSTOMERS = 5_000
AT_ONCE = 20_000
STATUSES = ("placed", "accepted", "shipped")
Row = dict[str, Any]


async def fill(connection: asyncpg.Connection, count: int) -> None:
    """Bring the number of orders of the past to `count`."""
    existing = await connection.fetchval("select count(*) from orders where idempotency_key ~ '^past-'")
    titles = await connection.fetch(
        "select title_id, amount from list_prices where currency = 'EUR' order by title_id limit 1000"
    )
    past = islice(generated([(row["title_id"], row["amount"]) for row in titles], count), existing, None)
    while batch := list(islice(past, AT_ONCE)):
        async with connection.transaction():
            for place, table in enumerate((orders, order_lines, order_events)):
                columns = list(batch[0][place][0])  # a column with a default may be left out
                await connection.copy_records_to_table(
                    table.name,
                    columns=columns,
                    records=([row[column] for column in columns] for order in batch for row in order[place]),
                )


def generated(
    titles: Sequence[tuple[str, Decimal]], count: int
) -> Iterator[tuple[list[Row], list[Row], list[Row]]]:
    """The rows of one order after another, by column: the order, its lines, its events. The same ones each time."""
    chance = random.Random(SEED)
    for number in range(count):
        at = BEGIN + number * SPACING
        order_id = _uuid7(at, chance)
        lines: list[Row] = []
        for line, (title_id, price) in enumerate(chance.sample(titles, chance.randint(1, 3)), 1):
            quantity = chance.randint(1, 9)
            lines.append(
                {
                    "order_id": order_id,
                    "line_number": line,
                    "title_id": title_id,
                    "quantity": quantity,
                    "unit_price": price,
                    "total": price * quantity,
                }
            )
        order = {
            "id": order_id,
            "customer_id": f"c-past-{chance.randrange(CUSTOMERS):04}",
            "idempotency_key": f"past-{number:07}",
            "content_hash": "",
            "status": STATUSES[-1],
            "currency": "EUR",
            "discount_percent": Decimal(0),
            "total": sum((line["total"] for line in lines), Decimal(0)),
            "created_at": at,
            "updated_at": at + timedelta(seconds=0.6),
        }
        events = [
            {
                "order_id": order_id,
                "sequence": sequence,
                "status": status,
                "at": at + timedelta(seconds=0.3 * (sequence - 1)),
                "published": True,
            }
            for sequence, status in enumerate(STATUSES, 1)
        ]
        yield [order], lines, events


def _uuid7(at: datetime, chance: random.Random) -> UUID:
    milliseconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    value = milliseconds << 80 | chance.getrandbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76  # version
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)  # variant
