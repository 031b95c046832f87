"""`monolith seed`: fills an empty database; what is there already stays."""

import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
from sqlalchemy import Table

from monolith.currency.tables import rates
from monolith.pricing.tables import list_prices, price_breaks
from monolith.seed import catalogue, ecb, history
from monolith.title.tables import titles

BREAKS = ((10, 5), (50, 10), (100, 15))


async def seed(url: str, title_count: int = 0, order_count: int = 0) -> None:
    """Fill an empty database; titles are generated up to `title_count`, orders of the past up to `order_count`."""
    connection = await asyncpg.connect(url)
    begun = time.monotonic()
    try:
        async with connection.transaction():
            await connection.execute("lock table titles in share row exclusive mode")
            if not await connection.fetchval("select exists (select from titles)"):
                await _fill(connection, title_count)
        if order_count:
            await history.fill(connection, order_count)
    finally:
        await connection.close()
    sys.stdout.write(f"seeded in {time.monotonic() - begun:.1f} s\n")


async def _fill(connection: asyncpg.Connection, title_count: int) -> None:
    entries = list(catalogue.entries(title_count))
    await copy(connection, titles, (catalogue.title_row(entry) for entry in entries))
    await copy(connection, list_prices, (catalogue.price_row(entry) for entry in entries))
    await copy(connection, rates, ecb.rows())
    await copy(connection, price_breaks, BREAKS)


async def copy(connection: asyncpg.Connection, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Copy rows into the table; their values stand in the order of its columns without a default."""
    columns = [column.name for column in table.columns if column.server_default is None]
    await connection.copy_records_to_table(table.name, records=rows, columns=columns)
