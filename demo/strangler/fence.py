"""One writer at any time: a fence is a trigger that stops every writer but logical replication.

Making the trigger needs a lock that waits for the writers under way and holds back new ones until the transaction ends;
then they meet the trigger and take the other side. That transaction is the cut-over.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from runtime.api import Runtime

from strangler.database import PROCESSES, Held, connected, waiting
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
# whoever holds some of the locks may wait for a writer that waits for it. The strangler is the one that gives way, long
# before deadlock_timeout would end a writer, and tries the next order.
LOCK_TIMEOUT = "100ms"
PATIENCE = 7.0  # seconds, in which writers come to a halt again and again
WRITERS, ALL = (
    "share row exclusive",
    "access exclusive",
)  # the modes that keep out writers, and readers as well
HOLDERS = PROCESSES + (  # no value from outside
    " where pid <> pg_backend_pid() and pid in (select pid from pg_locks"
    " where relation = any($1::regclass[]) and granted and (mode like '%ExclusiveLock' or $2))"
    " order by xact_start limit 3"
)
FENCES = (
    "from pg_trigger where tgname = 'figtree_fence' and tgenabled = 'O' and tgrelid = any($1::regclass[])"
)


async def _explain_lock(db: asyncpg.Connection, tables: Sequence[Table], mode: str) -> Held:
    names = [table.name for table in tables]
    holders = [row[0] for row in await db.fetch(HOLDERS, names, mode == ALL)]
    return Held(
        f"the tables {', '.join(names)} cannot be locked; held by {'; '.join(holders) or 'changing writers'}. "
        "Nothing was changed. End that transaction, or wait for its end, and run the command again"
    )


async def lock(
    db: asyncpg.Connection, tables: Sequence[Table], mode: str = WRITERS, patience: float = PATIENCE
) -> None:
    """Hold every table until the transaction ends, against WRITERS or ALL; `patience` in seconds. Raises Held."""
    orders = itertools.cycle(itertools.permutations(tables))
    deadline = time.monotonic() + patience
    while True:
        try:
            async with db.transaction():
                await db.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
                for table in next(orders):
                    await db.execute(f"lock table {table.name} in {mode} mode")
                await db.execute("set local lock_timeout to default")
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if time.monotonic() > deadline:
                raise await _explain_lock(db, tables, mode) from None
            await asyncio.sleep(0.02)


async def empty(db: asyncpg.Connection, tables: Sequence[Table]) -> None:
    """Truncate the tables, past the fence, as replication goes. Raises Held."""
    async with db.transaction():
        await lock(db, tables, ALL, waiting.get().limit)
        await db.execute("set local session_replication_role = replica")
        await db.execute(f"truncate {', '.join(table.name for table in tables)}")
        await db.execute("set local session_replication_role to default")


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
