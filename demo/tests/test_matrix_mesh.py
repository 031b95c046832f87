"""Each phase of a step on the local mesh, and each fault of a process in it: users are served right, and it goes on."""

import asyncio
import os
import platform
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from localmesh import LocalRuntime
from strangler import back, forward, steps

from tests.support.faults import known_phases, plain
from tests.support.mesh_faults import FAULTS, Mesh, Run, move_of, table, tried

REPORT = os.environ.get("MESH_MATRIX_REPORT", "")


PHASES = [
    p for p in known_phases(forward, back, steps) if not plain(p).startswith("copy")
]  # a command by itself
COMMANDS = {  # phases of one command, from one shape to another
    name: [phase for phase in PHASES if move_of(phase) == move]
    for name, move in {f"{m.words} from {m.before}": m for m in map(move_of, PHASES)}.items()
}


@pytest.fixture(scope="module")
def seen() -> list[Run]:
    return []


def write(seen: list[Run]) -> None:
    """After each cell, so that an interrupted run leaves what it has seen."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {datetime.now(UTC):%Y-%m-%d}"
    Path(REPORT).write_text(table(seen, machine, "make matrix"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh() -> AsyncIterator[Mesh]:
    runtime = await LocalRuntime.up(f"matrix-{os.getpid()}")
    try:
        made = Mesh(runtime)
        await made.strangler.begin()
        yield made
    finally:
        await runtime.down()


async def run(mesh: Mesh, seen: list[Run], command: str, fault: str, phases: list[str], folder: Path) -> Run:
    try:
        async with asyncio.timeout(150 + 60 * len(phases)):
            found = await tried(mesh, command, fault, phases, folder)
    except Exception as error:  # whatever it is, it is a red row
        text = " ".join(f"{type(error).__name__}: {error}".split())
        found = Run(command, fault, phases, stuck=text[:300])
    seen.append(found)
    if REPORT:
        write(seen)
    return found


@pytest.mark.matrix
@pytest.mark.timeout(900)
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("command", list(COMMANDS))
@pytest.mark.parametrize("fault", list(FAULTS))
async def test_whatever_happens_to_a_process_users_are_served_right_and_the_command_goes_on(
    mesh: Mesh, seen: list[Run], command: str, fault: str, tmp_path: Path
) -> None:
    found = await run(mesh, seen, command, fault, COMMANDS[command], tmp_path)
    assert not found.red, found.red


@pytest.mark.system
@pytest.mark.timeout(300)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_writer_that_is_killed_when_the_writer_changes_loses_nothing(
    mesh: Mesh, seen: list[Run], tmp_path: Path
) -> None:
    (phase,) = [phase for phase in PHASES if plain(phase) == "eliminate: … becomes the writer"]
    found = await run(mesh, seen, "step", "the writer's process killed", [phase], tmp_path)
    assert not found.red, found.red
