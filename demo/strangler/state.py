"""Where the strangling stands, kept in the monolith's database so that anybody can go on from there."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from runtime.api import Runtime

from strangler.database import MONOLITH, connected
from strangler.modules import LAST, MODULES, SHAPES

SCHEMA = """
create schema if not exists strangler;
revoke all on schema strangler from public;
create table if not exists strangler.state(
  module text primary key, phase text not null, changed_at timestamptz not null default now());
alter table strangler.state add column if not exists reads int not null default 0;
alter table strangler.state add column if not exists refused text not null default '';
create table if not exists strangler.journal(
  at timestamptz not null default clock_timestamp(), step text not null, what text not null,
  detail jsonb not null default '{}');
"""

LOCK = 0x5712A  # the advisory lock of whoever takes a step
PATIENCE = 3.0  # seconds until PostgreSQL has seen that an interrupted command's connection is gone

# The phases of a module on its way out; "whole" is the monolith's own entry for having all its tables.
IN_PROCESS = "in-process"
REPLICATED = "replicated"
SHARED = "shared"  # co-exists: some or all reads go to the service, the monolith writes
STRANGLED = "strangled"  # the service is the writer
LEAVING = "leaving"  # on its way back
WORDS = {
    IN_PROCESS: "in the monolith",
    REPLICATED: "copied to the service",
    SHARED: "reads shared",
    STRANGLED: "moved to the service",
    LEAVING: "moving back",
}
SETTLED = {IN_PROCESS: 0, STRANGLED: 100}  # the service's share of the reads, in percent


class NoMonolith(ValueError):
    """There is nothing to strangle, and nowhere to go back to."""

    def __init__(self) -> None:
        super().__init__(
            "this cluster began without a monolith, so it has no step to take; for the journey, begin a fresh one with"
            " STEP=0-monolith"
        )


class StepUnderWay(ValueError):
    """Another command takes a step just now; two at once would take each other's processes and routes away."""

    def __init__(self) -> None:
        super().__init__("another step is under way; wait for its end, or interrupt it, and try again")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the journal."""

    at: datetime
    step: str
    what: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Who answers the users of a module. `reads` is the service's share of the reads at the edge, in percent."""

    module: str
    phase: str
    reads: int
    refused: str  # why the last step was refused; empty once one succeeds

    def __str__(self) -> str:
        reads = {0: "monolith", 100: self.module}.get(
            self.reads, f"{self.reads} % {self.module}, {100 - self.reads} % monolith"
        )
        writes = {STRANGLED: self.module, LEAVING: "moving back to the monolith"}.get(self.phase, "monolith")
        return f"reads: {reads}; writes: {writes}" + (f"; refused: {self.refused}" if self.refused else "")


class State:
    """The state of each module, and the journal of what was done."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def prepare(self) -> None:
        """Create the strangler's own tables, if they do not exist. Raises NoMonolith."""
        async with self._database() as db:
            await db.execute(SCHEMA)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """No other step while this lasts, by whomever and from wherever. Raises StepUnderWay, NoMonolith."""
        async with self._database() as db:
            until = asyncio.get_running_loop().time() + PATIENCE
            while not await db.fetchval("select pg_try_advisory_lock($1)", LOCK):
                if asyncio.get_running_loop().time() > until:
                    raise StepUnderWay
                await asyncio.sleep(0.1)
            await db.execute(SCHEMA)  # nobody has begun yet where `make deploy` has started all
            yield  # the lock ends with the connection

    @asynccontextmanager
    async def _database(self) -> AsyncIterator[asyncpg.Connection]:
        if not await self._runtime.databases.has(MONOLITH):
            raise NoMonolith
        async with connected(self._runtime, MONOLITH) as db:
            yield db

    async def _read(self, table: str, query: str) -> list[asyncpg.Record]:
        """No rows before the first step. Raises NoMonolith."""
        async with self._database() as db:
            begun = await db.fetchval("select to_regclass($1) is not null", f"strangler.{table}")
            rows: list[asyncpg.Record] = await db.fetch(query) if begun else []
        return rows

    async def phases(self) -> dict[str, str]:
        """The phase of each module, and of the monolith itself; all is strangled where there never was one."""
        names = [*(m.name for m in MODULES), MONOLITH]
        try:
            rows = await self._read("state", "select module, phase from strangler.state")
        except NoMonolith:
            return dict.fromkeys(names, STRANGLED)
        known = {row["module"]: row["phase"] for row in rows}
        return {name: known.get(name, IN_PROCESS) for name in names}

    async def set(self, module: str, phase: str, step: str, **detail: object) -> None:
        """Set the phase of a module, and write it to the journal."""
        async with self._database() as db, db.transaction():
            await db.execute(
                "insert into strangler.state(module, phase) values($1, $2)"
                " on conflict (module) do update set phase = excluded.phase, changed_at = now()",
                module,
                phase,
            )
            if phase in SETTLED:
                await db.execute(
                    "update strangler.state set reads = $2, refused = '' where module = $1",
                    module,
                    SETTLED[phase],
                )
            await _note(db, step, f"{module} is {phase}", detail)

    async def reads(self, module: str, percent: int, refused: str = "") -> None:
        """Write down which share of the module's reads the service gets now, and why if it was taken away."""
        async with self._database() as db:
            await db.execute(
                "insert into strangler.state(module, phase, reads, refused) values($1, $2, $3, $4)"
                " on conflict (module) do update set reads = excluded.reads, refused = excluded.refused",
                module,
                IN_PROCESS,
                percent,
                refused,
            )

    async def whereabouts(self) -> list[Whereabouts]:
        """Of each module, in the order in which they are strangled."""
        try:
            rows = await self._read("state", "select module, phase, reads, refused from strangler.state")
        except NoMonolith:
            return [Whereabouts(m.name, STRANGLED, SETTLED[STRANGLED], "") for m in MODULES]
        known = {row["module"]: Whereabouts(*row) for row in rows}
        return [known.get(m.name, Whereabouts(m.name, IN_PROCESS, 0, "")) for m in MODULES]

    async def note(self, step: str, what: str, **detail: object) -> None:
        """Write a line to the journal."""
        async with self._database() as db:
            await _note(db, step, what, detail)

    async def journal(self) -> list[Entry]:
        """All lines, the oldest first."""
        try:
            rows = await self._read(
                "journal", "select at, step, what, detail from strangler.journal order by at"
            )
        except NoMonolith:
            return []
        return [Entry(row["at"], row["step"], row["what"], json.loads(row["detail"])) for row in rows]

    async def position(self) -> tuple[int, str]:
        """The number of the shape reached, and the module that is under way, "" if none is."""
        phases = await self.phases()
        number = 0
        for module in MODULES:
            if phases[module.name] != STRANGLED:
                return number, module.name if phases[module.name] != IN_PROCESS else ""
            number += 1
        return (LAST, "") if phases[MONOLITH] == STRANGLED else (number, "")

    async def shape(self) -> str:
        """The name of the shape that was reached last."""
        return SHAPES[(await self.position())[0]]


async def _note(db: asyncpg.Connection, step: str, what: str, detail: dict[str, object]) -> None:
    await db.execute(
        "insert into strangler.journal(step, what, detail) values($1, $2, $3)",
        step,
        what,
        json.dumps(detail, default=str),
    )
