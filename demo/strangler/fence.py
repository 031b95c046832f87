"""One writer at any time: a fence is a trigger that stops every writer but logical replication.

Making the trigger needs a lock that waits for the writers under way and holds back new ones until the transaction ends;
then they meet the trigger and take the other side. That transaction is the cut-over.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from runtime.api import Runtime

from strangler.database import PROCESSES, Held, connected
from strangler.module import Module, Table

# A refused write is no fault and would hide an apply worker's error in the server's log; only the function's owner, a
# superuser, may keep it out of there.
FUNCTION = """
create or replace function figtree_fence() returns trigger language plpgsql
  security definer set log_min_messages = fatal as $$
begin
  raise exception 'the table % is written elsewhere now', tg_table_name using errcode = 'FT001';
end $$
"""
TRIGGERS = {"figtree_fence": "insert or update or delete", "figtree_fence_truncate": "truncate"}
# PostgreSQL locks the tables of one statement in an order of its own (another for a cached plan than for a new one), so
# a fence that holds some of the locks may wait for a writer that waits for it. The fence is the one that gives way,
# long before deadlock_timeout would end a writer, and tries the next order.
LOCK_TIMEOUT = "100ms"
ATTEMPTS = 60
HOLDERS = PROCESSES + (  # no value from outside
    " where pid <> pg_backend_pid() and pid in (select pid from pg_locks"
    " where relation = any($1::regclass[]) and granted and mode like '%ExclusiveLock') order by xact_start limit 3"
)
FENCES = (
    "from pg_trigger where tgname = 'figtree_fence' and tgenabled = 'O' and tgrelid = any($1::regclass[])"
)


async def _explain_lock(db: asyncpg.Connection, tables: Sequence[Table]) -> Held:
    names = [table.name for table in tables]
    holders = [row[0] for row in await db.fetch(HOLDERS, names)]
    return Held(
        f"the tables {', '.join(names)} cannot be locked; held by {'; '.join(holders) or 'changing writers'}. "
        "Nothing was changed. End that transaction, or wait for its end, and run the command again"
    )


async def lock(db: asyncpg.Connection, tables: Sequence[Table]) -> None:
    """Hold every table against writers until the transaction ends; readers go on. Raises Held."""
    orders = itertools.cycle(itertools.permutations(tables))
    for attempt in range(ATTEMPTS):
        try:
            async with db.transaction():
                await db.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
                for table in next(orders):
                    await db.execute(f"lock table {table.name} in share row exclusive mode")
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if attempt == ATTEMPTS - 1:
                raise await _explain_lock(db, tables) from None
            await asyncio.sleep(0.02)


@asynccontextmanager
async def raising(runtime: Runtime, database: str, module: Module) -> AsyncIterator[None]:
    """Writers of `database` are held back inside the block; behind it they meet the fence, or go on if it raised."""
    async with connected(runtime, database) as db, db.transaction():
        await lock(db, module.written_in(database))
        await db.execute(FUNCTION)
        for table in module.written_in(database):
            for trigger, statements in TRIGGERS.items():
                await db.execute(
                    f"create or replace trigger {trigger} before {statements} on {table.name}"
                    " for each statement execute function figtree_fence()"
                )
                await db.execute(f"alter table {table.name} enable trigger {trigger}")
        yield


async def raise_(runtime: Runtime, database: str, module: Module) -> None:
    """Raise the fence: from now on, every write to the module's tables in `database` fails with FT001."""
    async with raising(runtime, database, module):
        pass


async def lift(runtime: Runtime, database: str, module: Module) -> None:
    """Let writers in."""
    async with connected(runtime, database) as db, db.transaction():
        await lock(db, module.written_in(database))
        for table in module.written_in(database):
            if await db.fetchval(f"select count(*) {FENCES}", [table.name]):
                for trigger in TRIGGERS:
                    await db.execute(f"alter table {table.name} disable trigger {trigger}")


async def is_raised(runtime: Runtime, database: str, module: Module) -> bool:
    """Whether all tables of the module have the fence."""
    async with connected(runtime, database) as db:
        names = [table.name for table in module.written_in(database)]
        return bool(await db.fetchval(f"select count(*) {FENCES}", names) == len(names))
