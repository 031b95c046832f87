"""Every phase of the strangler's step and way back on the real local mesh, and what may happen to a process in it.

The command itself is run as users run it; a fault begins when it prints the phase. Users call meanwhile, and the
history of every order is checked afterwards.
"""

import asyncio
import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import asyncpg
import psutil
from loadtests.control import Load
from loadtests.ledger import Row, compare, read
from localmesh import LocalRuntime
from localmesh.instance import directory_of
from localmesh.leftovers import supervisors
from runtime.api import RuntimeFailure
from strangler.database import MONOLITH, connected
from strangler.modules import SHAPES
from strangler.steps import Strangler

from tests.support.faults import UNFENCED, plain
from tests.support.histories import check_history

FROZEN = 6.0  # seconds
LIMIT = (
    30.0  # seconds after the fault in which requests may fail: an Envoy, an istiod or a database begins anew
)
RATE = 20  # users, to whom the auditors of the history belong
TAMPER = {
    "step": ("order", "update orders set content_hash = content_hash || '-'"),  # no user sees it
    "back": (MONOLITH, "delete from order_lines"),
}


@dataclass(frozen=True, slots=True)
class Move:
    """One command under test, from one shape to another."""

    words: str  # step, back
    before: str
    after: str


def move_of(phase: str) -> Move:
    """The command that goes through the phase, for the module whose rows users write."""
    last = "monolith loses" in plain(phase) or "monolith gets" in plain(phase)
    if plain(phase).startswith("back"):
        return Move("back", SHAPES[5], SHAPES[4]) if last else Move("back", SHAPES[4], SHAPES[3])
    return Move("step", SHAPES[4], SHAPES[5]) if last else Move("step", SHAPES[3], SHAPES[4])


@dataclass
class Mesh:
    """The running system, and the command that acts on it."""

    runtime: LocalRuntime

    @property
    def strangler(self) -> Strangler:
        return Strangler(self.runtime, dwell=0.3)

    async def command(self, *words: str) -> "asyncio.subprocess.Process":
        env = os.environ | {"FIGTREE_NAME": self.runtime.name, "RUNTIME": "local", "DWELL": "0.3"}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cli",
            *words,
            env=env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def reach(self, shape: str) -> str:
        """Go there by the command, with at most two failures on the way; what it said last if it does not arrive."""
        said = ""
        for _ in range(2 * len(SHAPES)):
            number, under_way = await self.position()
            wanted = SHAPES.index(shape)
            if number == wanted and not under_way:
                return ""
            process = await self.command("step" if number < wanted else "back")
            _, errors = await process.communicate()
            said = errors.decode().strip() if process.returncode else said
        return said or "it does not arrive"

    async def position(self) -> tuple[int, str]:
        """Where the strangling stands; a database that was killed has LIMIT seconds to come back."""
        until = time.monotonic() + LIMIT
        while True:
            try:
                return await self.strangler.state.position()
            except (OSError, asyncpg.PostgresError, RuntimeFailure):
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.5)

    async def execute(self, database: str, *statements: str) -> None:
        async with connected(self.runtime, database) as db:
            for statement in statements:
                await db.execute(statement)

    async def process_of(self, name: str) -> psutil.Process:
        (found,) = [
            one for one in await self.runtime.workloads.statuses() if one.name == name and one.replica == 0
        ]
        assert found.pid is not None
        return psutil.Process(found.pid)


Fault = Callable[[Mesh, Move, psutil.Process], Awaitable[None]]


def writer_in(shape: str) -> str:
    """Who writes orders."""
    return MONOLITH if SHAPES.index(shape) < SHAPES.index("4-order") else "order"


async def _kill_writer(mesh: Mesh, move: Move, _: psutil.Process) -> None:
    await mesh.runtime.faults.kill(writer_in(move.before))


async def _freeze_writer(mesh: Mesh, move: Move, _: psutil.Process) -> None:
    parent = await mesh.process_of(writer_in(move.before))
    family = [parent, *parent.children(recursive=True)]
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.suspend()
    await asyncio.sleep(FROZEN)
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.resume()


async def _kill_istiod(mesh: Mesh, _: Move, __: psutil.Process) -> None:
    await mesh.runtime.faults.kill("istiod")


async def _kill_database(mesh: Mesh, _: Move, __: psutil.Process) -> None:
    await mesh.runtime.faults.kill("postgres")


async def _kill_supervisor(mesh: Mesh, _: Move, __: psutil.Process) -> None:
    """And start the instance again, as a user does."""
    for process in supervisors(directory_of(mesh.runtime.name)):
        process.kill()
        process.wait(10)
    mesh.runtime = await LocalRuntime.up(mesh.runtime.name)


async def _kill_command(_: Mesh, __: Move, command: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        command.kill()


FAULTS: Mapping[str, Fault] = {
    "the writer's process killed": _kill_writer,
    "the writer's process frozen for 6 s": _freeze_writer,
    "istiod killed": _kill_istiod,
    "the database server killed": _kill_database,
    "the command killed": _kill_command,
    "the supervisor killed, and `figtree up`": _kill_supervisor,
}


@dataclass
class Run:
    """What users saw while one fault met each phase of one command, one after the other."""

    command: str
    fault: str
    phases: list[str]
    met: dict[str, str] = field(default_factory=dict)  # phase: what the command ended with
    requests: int = 0
    failures: int = 0
    outage: int = 0  # the longest time, in seconds, in each of which a request failed
    wrong: int = 0
    impossible: int = 0  # orders whose calls no history explains
    example: str = ""
    orders: int = 0
    lost: int = 0
    doubled: int = 0
    stuck: str = ""

    @property
    def red(self) -> list[str]:
        missed = [plain(phase) for phase in self.phases if phase not in self.met]
        return [
            text
            for bad, text in (
                (missed, f"not reached: {', '.join(missed)}"),
                (self.wrong, f"{self.wrong} incorrect responses"),
                (self.impossible, f"{self.impossible} orders without a possible history: {self.example}"),
                (self.outage > LIMIT, f"requests failed for {self.outage} s"),
                (self.lost, f"{self.lost} orders lost"),
                (self.doubled, f"{self.doubled} orders doubled or different"),
                (not self.orders, "no order was placed"),
                (self.stuck, f"does not go on: {self.stuck}"),
            )
            if bad
        ]


async def tried(mesh: Mesh, command: str, fault: str, phases: list[str], folder: Path) -> Run:
    """Let the fault begin in each phase, under load, and give the command again until it has met all of them."""
    run, load = Run(command, fault, phases), Load()
    run.stuck = await mesh.reach(move_of(phases[0]).before)
    await asyncio.to_thread(load.start, mesh.runtime.edge(), RATE, 1, folder, history=True)
    try:
        for _ in range(2 * len(phases)):
            if run.stuck or not (left := [phase for phase in phases if phase not in run.met]):
                break
            await _round(mesh, run, left)
        run.stuck = run.stuck or await mesh.reach(move_of(phases[0]).after)
    finally:
        verdict = await asyncio.to_thread(load.stop)
    run.requests, run.failures, run.wrong = verdict.requests, verdict.failures, verdict.wrong
    run.outage = _longest([bool(line["failures"]) for line in load.lines()])
    judged = check_history(load.history)
    run.orders, run.impossible = judged.orders, len(judged.violations) + len(judged.undecided)
    run.example = " | ".join(judged.violations[0]) if judged.violations else ""
    number, _ = await mesh.position()
    async with connected(mesh.runtime, writer_in(SHAPES[number])) as db:
        rows = await db.fetch("select id::text, customer_id, idempotency_key, total from orders")
    compared = compare(read(load.ledger), (Row(*row) for row in rows))
    run.lost, run.doubled = len(compared.lost), len(compared.doubled) + len(compared.different)
    return run


def _longest(failing: list[bool]) -> int:
    return max((len(list(group)) for one, group in groupby(failing) if one), default=0)


async def _round(mesh: Mesh, run: Run, left: list[str]) -> None:
    """One command from its beginning; the fault meets those phases that come while none is under way."""
    move = move_of(left[0])
    if said := await mesh.reach(move.before):
        run.stuck = said
        return
    undoing = "all reads" in plain(left[0])
    database, change = TAMPER[move.words]
    if undoing and move.words == "back":
        await mesh.execute(database, UNFENCED, change)
    process = await mesh.command(move.words, "--json-lines")
    met, acting = list[str](), set[asyncio.Future[None]]()
    assert process.stdout is not None
    assert process.stderr is not None
    async for line in process.stdout:
        said = json.loads(line)
        if said["what"] != "phase":
            continue
        if undoing and move.words == "step" and "% to" in said["text"]:
            await mesh.execute(database, UNFENCED, change)
        for phase in left:
            under_way = any(not one.done() for one in acting)
            if phase not in met and not under_way and re.fullmatch(phase, said["text"]):
                met.append(phase)
                acting.add(asyncio.ensure_future(FAULTS[run.fault](mesh, move, psutil.Process(process.pid))))
    errors = (await process.stderr.read()).decode().strip()
    status = await process.wait()
    await asyncio.gather(*acting)
    ended = "done" if status == 0 else f"status {status}: {' '.join(errors.split())}"[:160]
    run.met |= dict.fromkeys(met, ended)
    if undoing:  # what an administrator does: the writer's rows are right
        await mesh.reach(move.before)
        await (await mesh.command("copy", "order")).communicate()


def table(runs: Sequence[Run], machine: str, command: str) -> str:
    """For docs/reports."""
    cells = sum(len(run.phases) for run in runs)
    bad = sum(len(run.phases) for run in runs if run.red)
    lines = [
        "# Each phase of a step on the local mesh, and each fault of a process in it",
        "",
        f"{cells} cells, {bad} of them in red rows. {machine}. Written by `{command}`.",
        "",
        f"`figtree step` and `figtree back` move the orders, and at last the monolith, while {RATE} users call. The "
        "fault begins in each phase; the command is then given again, until the fault has met all phases. A row is red "
        "if a response was incorrect, if an order was lost or stored twice, if the calls of an order are not "
        f"linearizable, if requests failed for more than {LIMIT:.0f} s at a stretch, or if the commands did not reach "
        "the next shape.",
        "",
        "| command | fault | phases met | requests failed | at a stretch | orders checked | verdict |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    lines += [
        f"| {r.command} | {r.fault} | {len(r.met)} of {len(r.phases)} | {r.failures} of {r.requests} | {r.outage} s |"
        f" {r.orders} | {'**red**: ' + '; '.join(r.red).replace('|', ' ') if r.red else 'green'} |"
        for r in runs
    ]
    lines += ["", "| phase | fault | the command ended with |", "| --- | --- | --- |"]
    lines += [
        f"| {plain(phase)} | {run.fault} | {ended.replace('|', ' ')} |"
        for run in runs
        for phase, ended in run.met.items()
    ]
    return "\n".join(lines) + "\n"
