"""PostgreSQL's logical replication between the monolith's database and a private one, in either direction."""

import asyncio
import time

import asyncpg
from runtime.api import Runtime

from strangler import fence, transformation
from strangler.database import MONOLITH, REPORT_AFTER, connected, waiting
from strangler.health import health
from strangler.module import Module
from strangler.names import Direction, ends, name_of

LOOK = 1.0  # seconds of waiting until it is asked what stops a replica


class Lagging(Exception):
    """Replication did not catch up in time."""


class Replication:
    """PostgreSQL's logical replication of a module's tables, in either direction."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def start(self, module: Module, direction: Direction, *, copy: bool) -> None:
        """Begin to stream; with `copy` its tables are emptied and copied first. Does nothing if it runs."""
        if await self.runs(module, direction):
            return
        await self.stop(module, direction)  # what an interrupted start left
        try:
            await self._begin(module, direction, copy=copy)
        except BaseException:  # a slot that nobody reads would keep the publisher's log for ever
            await self.stop(module, direction)
            raise

    async def _begin(self, module: Module, direction: Direction, *, copy: bool) -> None:
        publisher, subscriber = ends(module, direction)
        name = name_of(module, direction)
        tables = ", ".join(table.name for table in module.tables)
        if copy and direction == "forward" and module.service_tables:
            await transformation.prepare(self._runtime, module)
        async with connected(self._runtime, publisher) as db:
            await db.execute(f"create publication {name} for table {tables}")
            # A slot made by CREATE SUBSCRIPTION itself would wait for ever where both databases are of one server.
            await db.execute("select pg_create_logical_replication_slot($1, 'pgoutput')", name)
        conninfo = await self._runtime.databases.replication_conninfo(publisher)
        async with connected(self._runtime, subscriber) as db:
            if copy:
                await fence.empty(db, module.tables)
            options = (
                f"create_slot = false, slot_name = '{name}', copy_data = {str(copy).lower()}, origin = none"
            )
            await db.execute(
                f"create subscription {name} connection {_literal(conninfo)} publication {name} with ({options})"
            )

    async def runs(self, module: Module, direction: Direction) -> bool:
        """Whether the subscription exists and is enabled."""
        _, subscriber = ends(module, direction)
        async with connected(self._runtime, subscriber) as db:
            return bool(
                await db.fetchval(
                    "select subenabled from pg_subscription where subname = $1", name_of(module, direction)
                )
            )

    async def stop(self, module: Module, direction: Direction) -> None:
        """Forget subscription, slot and publication, whichever of them are there."""
        publisher, subscriber = ends(module, direction)
        name = name_of(module, direction)
        async with connected(self._runtime, subscriber) as db:
            if await db.fetchval("select 1 from pg_subscription where subname = $1", name):
                await db.execute(f"alter subscription {name} disable")
                await db.execute(f"alter subscription {name} set (slot_name = none)")
                await db.execute(f"drop subscription {name}")
        async with connected(self._runtime, publisher) as db:
            await _drop_slots(db, name)
            await db.execute(f"drop publication if exists {name}")

    async def copied(self, module: Module, direction: Direction) -> int:
        """Wait until the initial copy is done, and begin its transformation, if the module has one; the number of rows
        that were copied."""
        _, subscriber = ends(module, direction)
        limit = waiting.get().work
        begun = time.monotonic()
        due = REPORT_AFTER
        async with connected(self._runtime, subscriber) as db:
            while await db.fetchval(
                "select count(*) from pg_subscription_rel r join pg_subscription s on s.oid = r.srsubid"
                " where s.subname = $1 and r.srsubstate <> 'r'",
                name_of(module, direction),
            ):
                taken = time.monotonic() - begun
                if taken > limit:
                    why, _ = await self._find_trouble(module, direction)
                    raise Lagging(f"{module.name}: the initial copy was not done after {limit:.0f} s: {why}")
                if taken > due:
                    why, hopeless = await self._find_trouble(module, direction)
                    if hopeless:
                        raise Lagging(f"{module.name}: the initial copy does not go on: {why}")
                    waiting.get().tell(f"{module.name}'s rows are not copied after {taken:.0f} s: {why}")
                    due = 3 * taken
                await asyncio.sleep(0.05)
            counts = [await db.fetchval(f"select count(*) from {table.name}") for table in module.tables]
        if direction == "forward" and module.service_tables:
            try:
                await transformation.begin(self._runtime, module)
            except BaseException:
                # The next attempt makes the views anew, from a declaration that may have changed.
                await self.stop(module, direction)
                raise
        return sum(counts)

    async def caught_up(self, module: Module, direction: Direction, patience: float = 10) -> float:
        """Wait until all that is committed now has been applied on the other side; seconds that it took."""
        publisher, _ = ends(module, direction)
        async with connected(self._runtime, publisher) as db:
            begun = time.monotonic()  # what it takes to get a connection is not the replica's fault
            look = LOOK
            now = await db.fetchval("select pg_current_wal_insert_lsn()::text")
            # An own record behind it: a slot's position moves on only when there is something to confirm.
            await db.execute("select pg_logical_emit_message(true, 'figtree', 'caught up?')")
            while not await db.fetchval(
                "select coalesce(bool_and(confirmed_flush_lsn >= $2::text::pg_lsn), false)"
                " from pg_replication_slots where slot_name = $1",
                name_of(module, direction),
                now,
            ):
                taken = time.monotonic() - begun
                if taken > min(look, patience):
                    why, hopeless = await self._find_trouble(module, direction)
                    if hopeless or taken > patience:
                        raise Lagging(
                            f"{module.name}: replication {direction} was still behind after {taken:.0f} s: {why}"
                        )
                    look += LOOK
                await asyncio.sleep(0.01)
        return time.monotonic() - begun

    async def _find_trouble(self, module: Module, direction: Direction) -> tuple[str, bool]:
        """Why a subscriber is behind, and whether it is in vain to wait."""
        found = await health(self._runtime, module, direction)
        if found is None:
            return f"nothing is replicated; `figtree copy {module.name}` copies its rows anew", True
        return str(found), found.hopeless

    async def synchronous(self, module: Module, direction: Direction) -> None:
        """Let the publisher's writers wait until the replica has it: a read on either side sees every write."""
        await self._standby(ends(module, direction)[0], f'"{name_of(module, direction)}"')

    async def asynchronous(self, module: Module) -> None:
        """No writer waits for a replica any more, on either side, even if the other side is down."""
        sides = (self._standby(database, "") for database in (MONOLITH, module.name))
        for failure in await asyncio.gather(*sides, return_exceptions=True):
            if isinstance(failure, BaseException):
                raise failure

    async def _standby(self, database: str, names: str) -> None:
        async with connected(self._runtime, database) as db:
            if await db.fetchval("show synchronous_standby_names") == names:
                return
            if names:  # an administrator's own statements never wait for the replica
                await db.execute("alter role current_user set synchronous_commit = local")
            await db.execute(f"alter system set synchronous_standby_names = {_literal(names)}")
            await db.execute("select pg_reload_conf()")


async def _drop_slots(db: asyncpg.Connection, name: str, patience: float = 10) -> None:
    deadline = time.monotonic() + patience
    while await db.fetchval("select 1 from pg_replication_slots where slot_name = $1", name):
        try:
            await db.execute("select pg_drop_replication_slot($1)", name)
        except asyncpg.ObjectInUseError:
            if time.monotonic() > deadline:
                raise
            await db.execute(
                "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1 and active",
                name,
            )
            await asyncio.sleep(0.05)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
