"""Whether replication runs, how far it is behind, and what stops it, in PostgreSQL's own words."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import asyncpg
from runtime.api import Runtime, RuntimeFailure

from strangler.database import MONOLITH, connected
from strangler.module import Module
from strangler.modules import MODULES
from strangler.names import Direction, ends, name_of
from strangler.state import IN_PROCESS

LINES = 3000  # of a database's log, in which the apply worker's error is looked for
RETRY = timedelta(seconds=15)  # an apply worker that fails is started again every 5 s
SLOT = """
select s.slot_name as name, s.active, s.wal_status, to_jsonb(s) ->> 'invalidation_reason' as invalid,
  (to_jsonb(s) ->> 'inactive_since')::timestamptz as inactive_since,
  pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::bigint as behind,
  pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::bigint as kept,
  (select nullif(setting, '-1')::bigint * 1024 * 1024
    from pg_settings where name = 'max_slot_wal_keep_size') as keep_limit,
  extract(epoch from r.replay_lag)::float as lag, now() as now
from pg_replication_slots s left join pg_stat_replication r on r.pid = s.active_pid where s.slot_name = any($1)
"""
SUBSCRIPTION = """
select s.subname as name, s.subenabled as enabled, w.pid, e.apply_error_count + e.sync_error_count as errors,
  (select count(*) from pg_subscription_rel r where r.srsubid = s.oid and r.srsubstate <> 'r') as copying
from pg_subscription s
  left join pg_stat_subscription w on w.subid = s.oid and w.relid is null
  left join pg_stat_subscription_stats e on e.subid = s.oid where s.subname = any($1)
"""
# The names of both kinds of worker; what else a line of the log says of its process stands before "LOG:" and so on.
STARTED = re.compile(r"\[(\d+)\] LOG: +logical replication .* worker for subscription \"(\w+)\"")
FAILED = re.compile(r"^(\S+ \S+ \S+) \[(\d+)\] (?:ERROR|FATAL): +(.*)")

DIRECTIONS: tuple[Direction, ...] = ("forward", "back")
ALL = [name_of(module, direction) for module in MODULES for direction in DIRECTIONS]

State = Literal["running", "copying", "stopped", "lost", "missing", "unknown"]


@dataclass(frozen=True, slots=True)
class Health:
    """Of one direction of a module's replication. Bytes are of the publisher's write-ahead log."""

    module: str
    direction: Direction
    state: State
    since: datetime | None = None  # stopped since
    behind_bytes: int | None = None
    behind_seconds: float | None = None
    kept_bytes: int | None = None  # by the slot, for the subscriber
    keep_limit: int | None = None  # then the slot is given up
    why: str = ""
    error: str = ""  # of the apply worker, which tries again every 5 s
    hopeless: bool = False  # it does not go on before somebody acts

    def __str__(self) -> str:
        parts = [self.state + (f" since {self.since:%H:%M:%S} UTC" if self.since else "")]
        if self.behind_bytes is not None:
            seconds = f" and {self.behind_seconds:.1f} s" if self.behind_seconds is not None else ""
            parts.append(f"{size(self.behind_bytes)}{seconds} behind")
        if self.kept_bytes is not None:
            of = f" of at most {size(self.keep_limit)}" if self.keep_limit else ""
            parts.append(f"{size(self.kept_bytes)}{of} of log kept")
        return ", ".join(parts) + (f": {self.why}" if self.why else "")


@dataclass(frozen=True, slots=True)
class Failures:
    """Of a worker that fails again and again: the last streak of them."""

    first: datetime
    last: datetime
    count: int
    text: str


class _Database:
    """What one database says of all replication, asked once; its log is read once, and only if somebody needs it."""

    def __init__(self, runtime: Runtime, name: str) -> None:
        self._runtime = runtime
        self._name = name
        self.slots: dict[str, asyncpg.Record] = {}
        self.subscriptions: dict[str, asyncpg.Record] = {}
        self.silent = ""  # why it does not answer
        self._log: list[str] | None = None

    async def ask(self) -> None:
        try:
            async with connected(self._runtime, self._name) as db:
                self.slots = {row["name"]: row for row in await db.fetch(SLOT, ALL)}
                self.subscriptions = {row["name"]: row for row in await db.fetch(SUBSCRIPTION, ALL)}
        except (OSError, RuntimeFailure, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self.silent = " ".join(str(error).split()) or type(error).__name__

    async def log(self) -> list[str]:
        if self._log is None:
            try:
                self._log = await self._runtime.databases.log(self._name, LINES)
            except RuntimeFailure:
                self._log = []
        return self._log


async def survey(runtime: Runtime, phases: Mapping[str, str] | None = None) -> list[Health]:
    """Of each module and direction that is replicated; `phases` spares asking modules that are in the monolith."""
    if not await runtime.databases.has(MONOLITH):
        return []
    modules = [one for one in MODULES if phases is None or phases.get(one.name) != IN_PROCESS]
    return await _ask(runtime, [(one, way) for one in modules for way in DIRECTIONS])


async def health(runtime: Runtime, module: Module, direction: Direction) -> Health | None:
    """None if there is no such replication."""
    return next(iter(await _ask(runtime, [(module, direction)])), None)


async def _ask(runtime: Runtime, wanted: Sequence[tuple[Module, Direction]]) -> list[Health]:
    names = dict.fromkeys(name for module, direction in wanted for name in ends(module, direction))
    databases = {name: _Database(runtime, name) for name in names}
    for database in databases.values():
        await database.ask()
    found = []
    for module, direction in wanted:
        publisher, subscriber = (databases[name] for name in ends(module, direction))
        if silent := publisher.silent or subscriber.silent:
            why = f"a database does not answer: {silent}"
            found.append(Health(module.name, direction, "unknown", why=why))
        elif (one := await _health(module, direction, publisher, subscriber)) is not None:
            found.append(one)
    return found


async def _health(
    module: Module, direction: Direction, publisher: _Database, subscriber: _Database
) -> Health | None:
    name = name_of(module, direction)
    slot, subscription = publisher.slots.get(name), subscriber.subscriptions.get(name)
    if slot is None and subscription is None:
        return None
    known = Health(module.name, direction, "running")
    if slot is not None:
        known = replace(
            known,
            behind_bytes=slot["behind"],
            behind_seconds=slot["lag"] or 0.0,
            kept_bytes=slot["kept"],
            keep_limit=slot["keep_limit"],
        )
    return _judge(known, module, slot, subscription, failures(await subscriber.log(), name))


def _judge(
    known: Health,
    module: Module,
    slot: asyncpg.Record | None,
    subscription: asyncpg.Record | None,
    failed: Failures | None,
) -> Health:
    anew = f"`figtree copy {module.name}` copies its rows anew"
    publisher, subscriber = ends(module, known.direction)
    if slot is None or subscription is None:
        gone, where = ("slot", publisher) if slot is None else ("subscription", subscriber)
        return replace(
            known, state="missing", hopeless=True, why=f"the {gone} in the database {where} is gone; {anew}"
        )
    if slot["invalid"] or slot["wal_status"] == "lost":
        why = f"the slot in the database {publisher} is invalidated ({slot['invalid'] or 'wal_removed'}); {anew}"
        return replace(known, state="lost", hopeless=True, why=why, behind_seconds=None)
    if not subscription["enabled"]:
        why = (
            f"the subscription in the database {subscriber} is disabled; `alter subscription"
            f" {name_of(module, known.direction)} enable` starts it, and {anew}"
        )
        return _describe_stop(known, slot["inactive_since"], slot["now"], why, hopeless=True)
    if (
        failed is not None
        and slot["now"] - failed.last < RETRY
        and (failed.count > 1 or not subscription["pid"])
    ):
        why = f"the apply worker in the database {subscriber} says: {failed.text}"
        return replace(_describe_stop(known, failed.first, slot["now"], why), error=failed.text)
    if not subscription["pid"] or not slot["active"]:
        why = (
            f"the apply worker in the database {subscriber} is not running and has failed {subscription['errors'] or 0}"
            " times; PostgreSQL starts it again within seconds"
        )
        return _describe_stop(known, slot["inactive_since"], slot["now"], why)
    return replace(known, state="copying") if subscription["copying"] else known


def _describe_stop(
    known: Health, since: datetime | None, now: datetime, why: str, *, hopeless: bool = False
) -> Health:
    seconds = (now - since).total_seconds() if since else None
    return replace(known, state="stopped", since=since, behind_seconds=seconds, why=why, hopeless=hopeless)


def failures(log: Iterable[str], subscription: str) -> Failures | None:
    """The last streak of errors of a subscription's workers."""
    streak: Failures | None = None
    whose: dict[str, str] = {}
    for line in log:
        if started := STARTED.search(line):
            whose[started[1]] = started[2]
        elif (error := FAILED.match(line)) and whose.get(error[2]) == subscription:
            at = datetime.strptime(error[1], "%Y-%m-%d %H:%M:%S.%f %Z").replace(tzinfo=UTC)
            if streak is None or at - streak.last > RETRY:
                streak = Failures(at, at, 0, "")
            streak = Failures(streak.first, at, streak.count + 1, error[3].strip())
    return streak


def size(count: int | None) -> str:
    """Bytes for a reader."""
    value = float(max(0, count or 0))
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
