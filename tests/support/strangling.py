"""The strangler's surroundings without a mesh: real databases, and writers that never stop."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from runtime.api import NotRunning, WorkloadStatus
from strangler.context import StepContext
from strangler.database import MONOLITH
from strangler.mirror import Verdict
from strangler.modules import ORDER
from strangler.steps import Strangler

from tests.support.postgres import Postgres
from tests.support.postgres import execute as execute_at

TABLES = """
create table orders(id uuid primary key, customer_id text not null, idempotency_key text not null,
  content_hash text not null, status text not null, currency text not null, discount_percent numeric not null,
  total numeric not null, created_at timestamptz not null, updated_at timestamptz not null,
  unique(customer_id, idempotency_key));
create table order_lines(order_id uuid, line_number int, title_id text not null, quantity int not null,
  unit_price numeric not null, total numeric not null, primary key(order_id, line_number));
create table order_events(order_id uuid, sequence int, status text not null, at timestamptz not null,
  published bool not null default false, primary key(order_id, sequence));
create table module_placement(module text primary key, place text not null);
"""
PLACE = """
with o as (insert into orders values($1, 'c', $2, 'h', 'placed', 'EUR', 0, 1.50, now(), now()) returning id),
l as (insert into order_lines select id, 1, 't', 1, 1.50, 1.50 from o)
insert into order_events select id, 1, 'placed', now() from o
"""


class OnlyDatabases:
    """A runtime that has databases and nothing else: workloads and routes are only remembered."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._names: dict[str, str] = {}
        self.running: set[str] = set()
        self.routes: list[str] = []
        self.figures: dict[tuple[str, ...], float] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs; what a test has put in the place of a method stays here."""
        return {name: value for name, value in vars(self).items() if not callable(value)}

    @property
    def workloads(self) -> "OnlyDatabases":
        """Every part of a runtime is this one object."""
        return self

    capabilities: frozenset[str] = frozenset({"mesh"})
    mesh = databases = telemetry = workloads

    def create(self, database: str) -> None:
        self._names[database] = self._postgres.create(database).rpartition("/")[2]

    def edge(self) -> str:
        return "http://127.0.0.1:9"

    async def report(self, name: str, value: float, **labels: str) -> None:
        self.figures[name, *labels.values()] = value

    async def statuses(self) -> list[WorkloadStatus]:
        return [WorkloadStatus(n, "v1", 0, "ready", 1, True, 0, "") for n in self.running]

    async def start(self, workload: str, *, env: Mapping[str, str] | None = None) -> None:
        self.running.add(workload)

    async def stop(self, workload: str) -> None:
        self.running.discard(workload)

    async def apply(self, paths: Sequence[Path]) -> None:
        self.routes += [path.stem for path in paths]

    async def delete(self, paths: Sequence[Path]) -> None: ...

    async def logs(self, workload: str, part: str, lines: int) -> list[str]:
        return []

    async def log(self, database: str, lines: int) -> list[str]:
        return self._postgres.log.read_text().splitlines()[-lines:]

    async def has(self, database: str) -> bool:
        return database in self._names

    async def admin_url(self, database: str) -> str:
        if database not in self._names:
            raise NotRunning(f"{database} has no database")
        return self._postgres.admin_url(self._names[database])

    async def replication_conninfo(self, database: str) -> str:
        p = self._postgres
        return (
            f"host=127.0.0.1 port={p.port} user=postgres password={p.password} dbname={self._names[database]}"
        )


async def execute(runtime: OnlyDatabases, database: str, *statements: str) -> None:
    """Carry statements out as the administrator of that database."""
    await execute_at(await runtime.databases.admin_url(database), *statements)


class Writers:
    """Four writers that take the side that lets them, as the monolith does, and remember what was acknowledged."""

    def __init__(self, runtime: OnlyDatabases, *, patient: bool = False) -> None:
        """`patient` writers ask both sides until one takes the order, and go on after any other error."""
        self._runtime = runtime
        self._patient = patient
        self.longest = 0.0  # seconds that an order took
        self.acknowledged: dict[str, UUID] = {}
        self.sides: list[str] = []
        self._stop = asyncio.Event()

    async def __aenter__(self) -> "Writers":
        self._tasks = [asyncio.create_task(self._write(n)) for n in range(4)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def _write(self, number: int) -> None:
        as_users = {"synchronous_commit": "on"}  # the tests know the administrator's role only
        sides = {
            name: await asyncpg.connect(
                await self._runtime.databases.admin_url(name), server_settings=as_users
            )
            for name in (MONOLITH, "order")
        }
        try:
            count = 0
            while not self._stop.is_set():
                count += 1
                key, order_id = f"{number}-{count}", uuid4()
                begun = asyncio.get_running_loop().time()
                for attempt in range(2000 if self._patient else 6):
                    side = (MONOLITH, "order")[attempt % 2]
                    try:
                        await sides[side].execute(PLACE, order_id, key)
                    except asyncpg.PostgresError as error:
                        if error.sqlstate != "FT001" and not self._patient:
                            raise
                        if (
                            error.sqlstate == "23505"
                        ):  # an earlier attempt was stored, and its answer an error
                            break
                        await asyncio.sleep(0.01 if self._patient else 0)
                        continue
                    self.acknowledged[key] = order_id
                    self.sides.append(side)
                    break
                else:
                    raise AssertionError("no side would take the order")
                self.longest = max(self.longest, asyncio.get_running_loop().time() - begun)
                await asyncio.sleep(0.002)
            for connection in sides.values():
                await connection.close()
        finally:
            for connection in sides.values():
                connection.terminate()


@asynccontextmanager
async def two_databases(postgres: Postgres) -> AsyncIterator[OnlyDatabases]:
    """The monolith's database and order's, empty; nothing is replicated between them any more when the block ends."""
    runtime = OnlyDatabases(postgres)
    for database in (MONOLITH, "order"):
        runtime.create(database)
        connection = await asyncpg.connect(await runtime.databases.admin_url(database))
        await connection.execute(TABLES)
        await connection.close()
    runtime.running = {MONOLITH}
    yield runtime
    strangler = Strangler(runtime, dwell=0.01)  # type: ignore[arg-type]
    await strangler.replication.asynchronous(ORDER)
    for direction in ("forward", "back"):
        await strangler.replication.stop(ORDER, direction)


def without_traffic(patched: pytest.MonkeyPatch) -> None:
    """There is no edge: a mirror finds all answers equal, and nobody asks for any."""

    async def equal(*_: object) -> Verdict:
        return Verdict(pairs=1)

    async def no_probe(*_: object) -> None: ...

    patched.setattr("strangler.mirror.verdict", equal)
    patched.setattr(StepContext, "probe", no_probe)
