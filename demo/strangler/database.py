"""Short administrative connections to the runtime's databases: no wait is silent, and each has an end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import asyncpg
from runtime.api import Runtime, RuntimeFailure

MONOLITH = "monolith"
REPORT_AFTER = 2.0  # seconds of waiting until somebody is told whom a statement waits for
# What a row looks like as text must not depend on how somebody has set up a database or a role.
SESSION = {"synchronous_commit": "local", "TimeZone": "UTC", "DateStyle": "ISO", "IntervalStyle": "iso_8601"}
# Processes in words; a condition follows.
PROCESSES = r"""select format('process %s (user %s, application %s), in a transaction for %s s: %s', pid, usename,
  coalesce(nullif(application_name, ''), 'unnamed'), extract(epoch from now() - xact_start)::int,
  left(regexp_replace(query, '\s+', ' ', 'g'), 120)) from pg_stat_activity"""
ALL_BLOCKERS = PROCESSES + (  # no value from outside
    " where pid in (select unnest(pg_blocking_pids(pid)) from pg_stat_activity"
    " where datname = current_database() and wait_event_type = 'Lock') order by xact_start limit 3"
)
BLOCKERS = PROCESSES + " where pid = any(pg_blocking_pids($1)) order by xact_start limit 3"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long, in seconds, a statement may wait for a lock and other work may take; who is told of it meanwhile."""

    limit: float = 60.0
    tell: Callable[[str], None] = lambda _: None
    work: float = 600.0


waiting: ContextVar[Waiting] = ContextVar("waiting", default=Waiting())  # noqa: B039


class Held(RuntimeFailure):
    """Somebody holds a lock that a step needs; the step was given up."""


async def _connect(url: str, session: Mapping[str, str] | None = None) -> asyncpg.Connection:
    """Cancelled, it comes to its end first: asyncpg itself leaves a socket that is half open."""
    connecting = asyncio.create_task(asyncpg.connect(url, timeout=10, server_settings=session))
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            (await connecting).terminate()
        raise


@asynccontextmanager
async def connected(runtime: Runtime, database: str) -> AsyncIterator[asyncpg.Connection]:
    """An administrator's connection; its own commits never wait for a replica.

    A statement that waits for a lock for longer than REPORT_AFTER names who holds it; after `Waiting.limit` seconds it
    raises Held.
    """
    url, settings = await runtime.databases.admin_url(database), waiting.get()
    session = SESSION | {"lock_timeout": f"{settings.limit * 1000:.0f}"}
    connection = await _connect(url, session)
    seen: list[str] = []
    try:
        async with _naming_blockers(url, connection.get_server_pid(), settings.tell, seen):
            yield connection
    except asyncpg.LockNotAvailableError:
        raise Held(
            f"gave up after waiting {settings.limit:.0f} s for a lock in the database {database}, held by "
            f"{'; '.join(seen) or 'somebody who is gone'}. End that "
            "transaction, or wait for its end, and run the command again"
        ) from None
    finally:
        await connection.close(timeout=5)


@asynccontextmanager
async def _naming_blockers(
    url: str, pid: int, tell: Callable[[str], None], seen: list[str]
) -> AsyncIterator[None]:
    done = asyncio.Event()
    watch = asyncio.create_task(_name_blockers(url, pid, tell, seen, done))
    try:
        yield
    finally:
        done.set()
        try:
            await asyncio.wait({watch}, timeout=1)  # a query that is cancelled opens another connection
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _name_blockers(
    url: str, pid: int, tell: Callable[[str], None], seen: list[str], done: asyncio.Event
) -> None:
    if await _is_set_within(done, REPORT_AFTER):
        return
    connection = await _connect(url)
    try:
        while True:
            blockers = [row[0] for row in await connection.fetch(BLOCKERS, pid)]
            if blockers and blockers != seen:
                if not seen:
                    tell(f"waiting for a lock that is held by {'; '.join(blockers)}")
                seen[:] = blockers
            if await _is_set_within(done, REPORT_AFTER / 2):
                return
    finally:
        await connection.close(timeout=5)


@asynccontextmanager
async def reporting_wait(runtime: Runtime, workload: str, what: str) -> AsyncIterator[None]:
    """Tell of a wait that another program ends after REPORT_AFTER seconds, and who holds a lock in its database.

    Raises Held after `Waiting.limit` seconds if a lock is waited for, else after `Waiting.work` seconds.
    """
    settings = waiting.get()
    seen: list[str] = []
    begun = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(settings.work) as limit:
            watch = asyncio.create_task(_tell_of(runtime, workload, what, seen, begun, limit))
            try:
                yield
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
    except TimeoutError:
        if not limit.expired():
            raise
        held = f"; locks in its database are held by {'; '.join(seen)}" if seen else ""
        taken = asyncio.get_running_loop().time() - begun
        raise Held(
            f"gave up after waiting {taken:.0f} s for {what}{held}. `figtree logs {workload}` says more; run the"
            " command again"
        ) from None


async def _tell_of(
    runtime: Runtime, workload: str, what: str, seen: list[str], begun: float, limit: asyncio.Timeout
) -> None:
    now, settings = asyncio.get_running_loop().time, waiting.get()
    await asyncio.sleep(REPORT_AFTER)
    due, blocked_since = 0.0, None
    while True:
        taken = now() - begun
        blockers = await _all_blockers(runtime, workload)
        if taken > due or blockers != seen:
            by = f"; a lock in its database is held by {'; '.join(blockers)}" if blockers else ""
            settings.tell(f"waiting for {what}, {taken:.0f} s so far{by}")
            due = 3 * taken
        seen[:] = blockers
        blocked_since = (blocked_since or now()) if blockers else None
        if blocked_since is not None and now() - blocked_since > settings.limit:
            limit.reschedule(now())
        await asyncio.sleep(REPORT_AFTER / 2)


async def _all_blockers(runtime: Runtime, workload: str) -> list[str]:
    """Who holds what anybody in the workload's database waits for; nobody where there is no such database yet."""
    try:
        connection = await _connect(await runtime.databases.admin_url(workload))
    except (OSError, RuntimeFailure, asyncpg.PostgresError, asyncpg.InterfaceError):
        return []
    try:
        return [row[0] for row in await connection.fetch(ALL_BLOCKERS)]
    finally:
        await connection.close(timeout=5)
