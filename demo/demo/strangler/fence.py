"""One writer at any time: a fence is a trigger that stops every writer but logical replication.

Making the trigger needs a lock that waits for the writers under way and holds back new ones until the transaction ends;
then they meet the trigger and take the other side. That transaction is the cut-over.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from demo.runtimes.runtime import Runtime
from demo.strangler.database import connected
from demo.strangler.modules import Module

FUNCTION = """
create or replace function figtree_fence() returns trigger language plpgsql as $$
begin
  raise exception 'the table % is written elsewhere now', tg_table_name using errcode = 'FT001';
end $$
"""
LOCK_TIMEOUT = "3s"  # writers wait no longer than this for a cut-over that does not get its locks


async def _close(db: Any, module: Module) -> None:
    await db.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
    names = ", ".join(table.name for table in module.tables)
    await db.execute(f"lock table {names} in share row exclusive mode")
    await db.execute(FUNCTION)
    for table in module.tables:
        await db.execute(
            f"create or replace trigger figtree_fence before insert or update or delete on {table.name}"
            " for each statement execute function figtree_fence()"
        )


@asynccontextmanager
async def closing(runtime: Runtime, database: str, module: Module) -> AsyncIterator[None]:
    """Writers of `database` are held back inside the block; behind it they meet the fence, or go on if it raised."""
    async with connected(runtime, database) as db, db.transaction():
        for attempt in range(5):
            try:
                async with db.transaction():
                    await _close(db, module)
                break
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                if attempt == 4:
                    raise
        yield


async def close(runtime: Runtime, database: str, module: Module) -> None:
    async with closing(runtime, database, module):
        pass


async def open_(runtime: Runtime, database: str, module: Module) -> None:
    """Let writers in."""
    async with connected(runtime, database) as db, db.transaction():
        for table in module.tables:
            await db.execute(f"drop trigger if exists figtree_fence on {table.name}")


async def is_closed(runtime: Runtime, database: str, module: Module) -> bool:
    async with connected(runtime, database) as db:
        return bool(
            await db.fetchval(
                "select count(*) = $2 from pg_trigger where tgname = 'figtree_fence' and tgrelid = any($1::regclass[])",
                [table.name for table in module.tables],
                len(module.tables),
            )
        )
