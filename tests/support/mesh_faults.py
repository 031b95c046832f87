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
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
from loadtests.control import Load
from loadtests.history import judge
from loadtests.ledger import Row, compare, read
from localmesh import LocalRuntime
from localmesh.instance import directory_of
from localmesh.leftovers import leftovers
from runtime.api import RuntimeFailure
from strangler.database import MONOLITH, connected
from strangler.modules import SHAPES
from strangler.steps import Strangler

from tests.support.faults import UNFENCED, plain

FROZEN = 6.0  # seconds
LIMIT = (
    30.0  # seconds after the fault in which requests may fail: an Envoy, an istiod or a database begins anew
)
RATE = 20  # users, to whom the auditors of the history belong
TAMPER = {
    "forward": ("order", "update orders set total = 9.99"),
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
    last = "monolith loses" in phase or "monolith gets" in phase
    if plain(phase).startswith("back"):
        return Move("back", SHAPES[5], SHAPES[4]) if last else Move("back", SHAPES[4], SHAPES[3])
    return Move("step", SHAPES[4], SHAPES[5]) if last else Move("step", SHAPES[3], SHAPES[4])


@dataclass
class Mesh:
    """The running system, and the command that acts on it."""

    runtime: LocalRuntime
    folder: Path
    checker: Path

    @property
    def strangler(self) -> Strangler:
        return Strangler(self.runtime, dwell=0.3)

    async def command(self, *words: str) -> "asyncio.subprocess.Process":
        env = os.environ | {"FIGTREE_NAME": self.runtime.name, "RUNTIME": "local", "DWELL": "0.3"}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", *words, env=env, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

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
        (found,) = [one for one in await self.runtime.workloads() if one.name == name and one.replica == 0]
        assert found.pid is not None
        return psutil.Process(found.pid)


Fault = Callable[[Mesh, Move, psutil.Process | None], Awaitable[None]]


def writer(move: Move) -> str:
    """Who writes orders when the command begins."""
    return MONOLITH if move.before == SHAPES[3] else "order"


async def _kill_writer(mesh: Mesh, move: Move, _: psutil.Process | None) -> None:
    await mesh.runtime.kill(writer(move))


async def _freeze_writer(mesh: Mesh, move: Move, _: psutil.Process | None) -> None:
    parent = await mesh.process_of(writer(move))
    family = [parent, *parent.children(recursive=True)]
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.suspend()
    await asyncio.sleep(FROZEN)
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.resume()


async def _kill_istiod(mesh: Mesh, _: Move, __: psutil.Process | None) -> None:
    await mesh.runtime.kill("istiod")


async def _kill_database(mesh: Mesh, _: Move, __: psutil.Process | None) -> None:
    await mesh.runtime.kill("postgres")


async def _kill_supervisor(mesh: Mesh, _: Move, __: psutil.Process | None) -> None:
    """And start the instance again, as a user does."""
    for process in leftovers(directory_of(mesh.runtime.name)):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "localmesh.supervisor" in process.cmdline():
                process.kill()
                process.wait(10)
    mesh.runtime = await LocalRuntime.up(mesh.runtime.name)


async def _kill_command(_: Mesh, __: Move, command: psutil.Process | None) -> None:
    if command is not None:
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
class Cell:
    """What users saw when one fault met one phase."""

    phase: str
    fault: str
    reached: bool = False
    ended: str = ""
    requests: int = 0
    failures: int = 0
    failing: float = 0.0  # seconds from the fault to the last failed request
    wrong: int = 0
    impossible: int = 0  # orders whose calls no history explains
    example: str = ""
    orders: int = 0
    lost: int = 0
    doubled: int = 0
    went_on: str = ""

    @property
    def red(self) -> list[str]:
        return [
            text
            for bad, text in (
                (not self.reached, "the phase was not reached"),
                (self.wrong, f"{self.wrong} incorrect responses"),
                (self.impossible, f"{self.impossible} orders without a possible history: {self.example}"),
                (self.failing > LIMIT, f"requests failed for {self.failing:.0f} s"),
                (self.lost, f"{self.lost} orders lost"),
                (self.doubled, f"{self.doubled} orders doubled or different"),
                (not self.orders, "no order was placed"),
                (self.went_on, f"does not go on: {self.went_on}"),
            )
            if bad
        ]


async def tried(mesh: Mesh, phase: str, fault: str, folder: Path) -> Cell:
    """One cell: a fault when the phase begins, under load; then the command is given again, and the way back."""
    cell, move = Cell(phase, fault), move_of(phase)
    cell.went_on = await mesh.reach(move.before)
    undoing = "all reads" in plain(phase)
    load = Load()
    await asyncio.to_thread(load.start, mesh.runtime.edge(), RATE, 1, folder, history=True)
    try:
        began = await _run(mesh, cell, move, undoing=undoing)
        await asyncio.sleep(2)
        if undoing:  # what an administrator does: the writer's rows are right
            await mesh.reach(move.before)
            await (await mesh.command("copy", "order")).communicate()
        cell.went_on = await mesh.reach(move.after) or await mesh.reach(move.before)
    finally:
        verdict = await asyncio.to_thread(load.stop)
    lines = load._feed.lines()
    failed = [line["at"] for line in lines if line["failures"]]
    cell.failing = max(0.0, max(failed, default=0.0) - began)
    cell.requests, cell.failures, cell.wrong = verdict.requests, verdict.failures, verdict.wrong
    judged = judge(load.history, [str(mesh.checker)])
    cell.orders, cell.impossible = judged.orders, len(judged.violations) + len(judged.undecided)
    cell.example = " | ".join(judged.violations[0]) if judged.violations else ""
    async with connected(mesh.runtime, writer(move)) as db:
        rows = await db.fetch("select id::text, customer_id, idempotency_key, total from orders")
    compared = compare(read(load.ledger), (Row(*row) for row in rows))
    cell.lost, cell.doubled = len(compared.lost), len(compared.doubled) + len(compared.different)
    return cell


async def _run(mesh: Mesh, cell: Cell, move: Move, *, undoing: bool) -> float:
    """Give the command, begin the fault at its phase, wait for both; when the fault began (time.time())."""
    database, change = TAMPER["back" if move.words == "back" else "forward"]
    if undoing and move.words == "back":
        await mesh.execute(database, UNFENCED, change)
    process = await mesh.command(move.words, "--json-lines")
    command, began, acting = psutil.Process(process.pid), time.time(), []
    assert process.stdout is not None
    assert process.stderr is not None
    async for line in process.stdout:
        said = json.loads(line)
        if said["what"] != "phase":
            continue
        if undoing and move.words == "step" and "10 %" in said["text"]:
            await mesh.execute(database, UNFENCED, change)
        if not cell.reached and re.fullmatch(cell.phase, said["text"]):
            cell.reached, began = True, time.time()
            acting.append(asyncio.create_task(_act(mesh, cell.fault, move, command)))
    errors = (await process.stderr.read()).decode().strip()
    status = await process.wait()
    await asyncio.gather(*acting)
    cell.ended = "done" if status == 0 else f"status {status}: {' '.join(errors.split())}"[:160]
    return began


async def _act(mesh: Mesh, fault: str, move: Move, command: psutil.Process) -> None:
    await FAULTS[fault](mesh, move, command)


def table(cells: Sequence[Cell], machine: str, command: str) -> str:
    """For docs/reports."""
    red = [cell for cell in cells if cell.red]
    lines = [
        "# Each phase of a step on the local mesh, and each fault of a process in it", "",
        f"{len(cells)} cells, {len(red)} red. {machine}. Written by `{command}`.", "",
        f"`figtree step` and `figtree back` move the orders while {RATE} users call. A cell is red if a response was "
        "incorrect, if an order was lost or stored twice, if the calls of an order are not linearizable, if requests "
        f"still failed {LIMIT:.0f} s after the fault, or if the next commands do not reach the shapes.", "",
        "| phase | fault | the command ended with | requests failed | the last one after | orders checked | verdict |",
        "| --- | --- | --- | ---: | ---: | ---: | --- |",
    ]  # fmt: skip
    lines += [
        f"| {plain(c.phase)} | {c.fault} | {c.ended.replace('|', ' ')} | {c.failures} of {c.requests} |"
        f" {c.failing:.0f} s | {c.orders} |"
        f" {'**red**: ' + '; '.join(c.red).replace('|', ' ') if c.red else 'green'} |"
        for c in cells
    ]
    return "\n".join(lines) + "\n"
