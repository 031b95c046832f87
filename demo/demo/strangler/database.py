"""Short administrative connections to the runtime's databases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from demo.runtimes.runtime import Runtime

MONOLITH = "monolith"


# What a row looks like as text must not depend on how somebody has set up a database or a role.
SESSION = {"synchronous_commit": "local", "TimeZone": "UTC", "DateStyle": "ISO", "IntervalStyle": "iso_8601"}


@asynccontextmanager
async def connected(runtime: Runtime, database: str) -> AsyncIterator[Any]:
    """An administrator's connection; its own commits never wait for a replica."""
    connection = await asyncpg.connect(await runtime.admin_url(database), timeout=10, server_settings=SESSION)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)
