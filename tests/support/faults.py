"""Every phase of the strangler's step and way back, and what may happen in it, on real databases under load."""

import ast
import asyncio
import os
import random
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import asyncpg
from strangler import back, forward
from strangler import state as phases
from strangler.database import MONOLITH
from strangler.gate import GateRefused
from strangler.modules import ORDER
from strangler.state import StepUnderWay
from strangler.steps import Strangler

from tests.support.strangling import OnlyDatabases, Writers

LONGEST = (
    8.0  # seconds that a writer may wait, whatever happens: 2 s until a replica is given up, a lock of 3 s
)
HELD = 3.0  # seconds that somebody holds a lock or a transaction
UNFENCED = "set session_replication_role = replica"


def known_phases(*modules: ModuleType) -> list[str]:
    """As the strangler's code names them, with .* for what it fills in: a new phase is found by itself."""
    found = []
    for module in modules or (forward, back):
        for node in ast.walk(ast.parse(Path(module.__file__ or "").read_text())):
            match node:
                case ast.Call(func=ast.Attribute(attr="phase"), args=[_, ast.Constant(value=str(text))]):
                    found.append(re.escape(text))
                case ast.Call(func=ast.Attribute(attr="phase"), args=[_, ast.JoinedStr(values=parts)]):
                    texts = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".*" for p in parts]
                    found.append("".join(texts))
    return found


@dataclass
class World:
    """The system while one cell is tried."""

    runtime: OnlyDatabases
    strangler: Strangler
    back: bool
    background: list["asyncio.Task[Any]"] = field(default_factory=list)

    @property
    def writer(self) -> str:
        return "order" if self.back else MONOLITH

    @property
    def copy(self) -> str:
        return MONOLITH if self.back else "order"

    @property
    def direction(self) -> str:
        return "back" if self.back else "forward"

    async def execute(self, database: str, *statements: str) -> Any:
        connection = await asyncpg.connect(await self.runtime.databases.admin_url(database))
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    def later(self, work: Callable[[], Awaitable[Any]]) -> None:
        async def run() -> None:
            await work()

        self.background.append(asyncio.create_task(run()))


Step = Callable[[World], Awaitable[Any]]


async def nothing(_: World) -> None: ...


async def _recopy(world: World) -> None:
    with suppress(ValueError):  # it is copied by the next step anyhow
        await world.strangler.copy(ORDER)


async def _hold(world: World, statement: str) -> None:
    connection = await asyncpg.connect(await world.runtime.databases.admin_url(world.writer))
    begun = asyncio.Event()

    async def hold() -> None:
        try:
            async with connection.transaction():
                await connection.execute(statement)
                begun.set()
                await asyncio.sleep(HELD)
            await connection.close()
        finally:
            connection.terminate()  # also where the test ends before the fault does

    world.later(hold)
    with suppress(TimeoutError):
        await asyncio.wait_for(begun.wait(), 1)


async def _end(world: World, database: str, what: str) -> None:
    await world.execute(database, f"select pg_terminate_backend(pid) from pg_stat_activity where {what}")


WORKERS = "backend_type like 'logical replication%' and datname = current_database()"
SENDERS = "backend_type = 'walsender' and datname = current_database()"


async def _freeze(world: World) -> None:
    workers = await world.execute(world.copy, f"select array_agg(pid) from pg_stat_activity where {WORKERS}")

    async def thaw() -> None:
        await asyncio.sleep(2 * HELD)
        for pid in workers or ():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    for pid in workers or ():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    world.later(thaw)


async def _second(world: World) -> None:
    other = Strangler(world.runtime, dwell=0.05)  # type: ignore[arg-type]
    try:
        await other.forward()
    except (StepUnderWay, ValueError):
        return
    raise AssertionError("two steps at once were taken")


FULL = """
create or replace function full_disk() returns trigger language plpgsql as $$
begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$
"""


async def _fill(world: World) -> None:
    trigger = "create or replace trigger full_disk before insert on orders execute function full_disk()"
    await world.execute(
        world.copy, FULL, trigger, "alter table orders enable always trigger full_disk", "select 1"
    )


def both(statement: str) -> Step:
    async def run(world: World) -> None:
        for side in (MONOLITH, "order"):
            await world.execute(side, statement, "select 1")

    return run


# What happens, and what an administrator does afterwards, before the step is taken again.
FAULTS: Mapping[str, tuple[Step, Step]] = {
    "rows changed in the copy": (
        lambda w: w.execute(w.copy, UNFENCED, "update orders set total = 9.99", "select 1"),
        _recopy,
    ),
    "rows truncated in the copy": (
        lambda w: w.execute(w.copy, UNFENCED, "truncate order_lines", "select 1"),
        _recopy,
    ),
    "column added at the writer": (
        lambda w: w.execute(w.writer, "alter table orders add column if not exists note text", "select 1"),
        both("alter table orders add column if not exists note text"),
    ),
    "column dropped in the copy": (
        lambda w: w.execute(w.copy, "alter table orders drop column if exists updated_at", "select 1"),
        both("alter table orders add column if not exists updated_at timestamptz not null default now()"),
    ),
    "key dropped in the copy": (
        lambda w: w.execute(
            w.copy, "alter table order_events drop constraint if exists order_events_pkey", "select 1"
        ),
        nothing,
    ),
    "apply worker killed": (lambda w: _end(w, w.copy, WORKERS), nothing),
    "apply worker frozen for 6 s": (_freeze, nothing),
    "walsender killed": (lambda w: _end(w, w.writer, SENDERS), nothing),
    "disk of the copy full": (_fill, both("drop function if exists full_disk cascade")),
    "transaction open for 3 s": (
        lambda w: _hold(
            w,
            "insert into module_placement values ('none', 'local')"
            " on conflict (module) do update set place = 'local'",
        ),
        nothing,
    ),
    "table locked for 3 s": (lambda w: _hold(w, "lock table orders in share mode"), nothing),
    "two steps at once": (_second, nothing),
}


class Readers:
    """Reads what was acknowledged, at the side to which the edge leads, and remembers what was answered wrongly."""

    def __init__(self, runtime: OnlyDatabases, known: dict[str, UUID]) -> None:
        self._runtime = runtime
        self._known = known
        self.wrong: list[float] = []
        self.reads = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._read())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _side(self) -> str:
        route = next((r for r in reversed(self._runtime.routes) if r.startswith("edge-order-")), "monolith")
        match route.rpartition("-")[2]:
            case "gateway":
                return "order"
            case share if share.isdigit():
                return "order" if random.random() * 100 < int(share) else MONOLITH
        return MONOLITH

    async def _read(self) -> None:
        sides = {
            n: await asyncpg.connect(await self._runtime.databases.admin_url(n)) for n in (MONOLITH, "order")
        }
        sql = "select (select total from orders where id = $1), (select count(*) from order_lines where order_id = $1)"
        try:
            while True:
                await asyncio.sleep(0.004)
                if not self._known:
                    continue
                key, side, at = random.choice(list(self._known)), self._side(), time.monotonic()
                try:
                    answer = await sides[side].fetchrow(sql, self._known[key])
                except asyncpg.PostgresError:
                    continue  # a plan that a changed column has made invalid is asked for again
                self.reads += 1
                if tuple(map(str, answer)) != ("1.50", "1"):
                    self.wrong.append(at)
        finally:
            for connection in sides.values():
                await connection.close()


@dataclass
class Cell:
    """What was seen when one fault met one phase."""

    phase: str
    fault: str
    reached: bool = False
    wrong_before: int = 0
    wrong_after: int = 0
    longest: float = 0.0
    lost: int = 0
    extra: int = 0
    ended: str = ""
    went_on: str = ""

    @property
    def red(self) -> list[str]:
        return [
            text
            for bad, text in (
                (not self.reached, "the phase was not reached"),
                (self.wrong_after, f"{self.wrong_after} wrong answers after the command's end"),
                (self.longest > LONGEST, f"a writer waited {self.longest:.1f} s"),
                (self.lost, f"{self.lost} orders lost"),
                (self.extra, f"{self.extra} orders doubled"),
                (self.went_on != "yes", f"does not go on: {self.went_on}"),
            )
            if bad
        ]


async def refuse(_: str) -> None:
    raise GateRefused("order", ["for the test"])


async def tried(runtime: OnlyDatabases, phase: str, fault: str) -> Cell:
    """One cell: a fault when the phase begins, under load; then it is put right, and the step is taken again."""
    cell = Cell(phase, fault)
    returning, undoing = phase.startswith("back"), re.search(r"all\\? reads", phase) is not None
    begin, repair = FAULTS[fault]
    due: list[asyncio.Task[Any]] = []

    def progress(_: str, text: str) -> None:
        if armed and not cell.reached and re.fullmatch(phase, text):
            cell.reached = True
            due.append(asyncio.create_task(begin(world)))  # type: ignore[arg-type]

    armed = False
    strangler = Strangler(runtime, dwell=0.1, lock_limit=5, work_limit=30, progress=progress)  # type: ignore[arg-type]
    world = World(runtime, strangler, returning)
    await strangler.state.prepare()
    for module in ("currency", "title", "pricing"):
        await strangler.state.set(module, phases.STRANGLED, "test")
    writers = Writers(runtime, patient=True)
    readers = Readers(runtime, writers.acknowledged)
    async with writers, readers.reading():
        await asyncio.sleep(0.1)
        if returning:
            await strangler.forward()
        armed = True
        try:
            if returning and undoing:
                await world.execute(MONOLITH, UNFENCED, "delete from order_lines", "select 1")
            await (strangler.back() if returning else strangler.forward(refuse if undoing else None))
            cell.ended = "done"
        except Exception as error:  # whatever it says is a result
            cell.ended = f"{type(error).__name__}: {' '.join(str(error).split())}"[:160]
        ended = time.monotonic()
        await asyncio.sleep(0.4)
        for task in await asyncio.gather(*due, *world.background, return_exceptions=True):
            if isinstance(task, AssertionError):
                cell.ended = f"{task}"
        cell.wrong_before = sum(at <= ended for at in readers.wrong)
        cell.wrong_after = len(readers.wrong) - cell.wrong_before
        if (
            cell.ended == "done" and "rows" in fault
        ):  # it happened too late for this step: the next one sees it
            cell.wrong_after = 0 if returning or "eliminate" in phase else cell.wrong_after
        armed = False
        cell.went_on = await _go_on(world, repair, undoing=undoing)
    acknowledged = set(writers.acknowledged)
    stored = await world.execute(MONOLITH, "select array_agg(idempotency_key) from orders")
    cell.lost, cell.extra = len(acknowledged - set(stored)), len(stored) - len(set(stored))
    cell.longest = writers.longest
    return cell


async def _go_on(world: World, repair: Step, *, undoing: bool) -> str:
    """Both ways, to the end and back to the monolith: at most one refusal each, after which rows are copied anew."""
    problem = "yes"
    try:
        await repair(world)
        if undoing and world.back:
            await _recopy(world)
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
    for move in (world.strangler.forward, world.strangler.back):
        for _ in range(3):
            number, under_way = await world.strangler.state.position()
            if move == world.strangler.forward and number == 4:
                break
            if move == world.strangler.back and number == 3 and not under_way:
                break
            try:
                await move()
            except Exception as error:
                problem = f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
                await _recopy(world)
                continue
        number, under_way = await world.strangler.state.position()
        if (number, under_way) != ((4, "") if move == world.strangler.forward else (3, "")):
            return problem
    return "yes"


def table(cells: list[Cell], machine: str, command: str) -> str:
    """For docs/reports."""
    red = [cell for cell in cells if cell.red]
    lines = [
        "# Each phase of a step, and each fault in it",
        "",
        f"{len(cells)} cells, {len(red)} red. {machine}. Written by `{command}`. "
        "The database of the monolith and that of order are real; workloads and routes are only remembered. "
        "Four writers and one reader go on all the time; a fault happens when the phase begins. Where rows are "
        "changed after the last comparison of a step, no step can see it: those wrong answers are not counted. "
        "[Faults of processes](phases-and-faults-mesh.md) have a table of their own.",
        "",
        "| phase | fault | step ended with | wrong before / after its end | longest wait of a writer"
        " | lost / doubled | verdict |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {plain(c.phase)} | {c.fault} | {c.ended.replace('|', ' ')} | {c.wrong_before} / {c.wrong_after} |"
        f" {c.longest:.1f} s | {c.lost} / {c.extra} |"
        f" {'**red**: ' + '; '.join(c.red).replace('|', ' ') if c.red else 'green'} |"
        for c in cells
    ]
    return "\n".join(lines) + "\n"


def plain(phase: str) -> str:
    """A phase as a reader sees it."""
    return re.sub(r"\\(.)", r"\1", phase).replace(".*", "…")
