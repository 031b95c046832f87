"""Short administrative connections to the runtime's databases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from demo.runtimes.runtime import Runtime

MONOLITH = "monolith"


@asynccontextmanager
async def connected(runtime: Runtime, database: str) -> AsyncIterator[Any]:
    """An administrator's connection; its own commits never wait for a replica."""
    connection = await asyncpg.connect(
        await runtime.admin_url(database), timeout=10, server_settings={"synchronous_commit": "local"}
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=5)
