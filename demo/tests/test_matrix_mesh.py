"""Each phase of a step on the local mesh, and each fault of a process in it: users are served right, and it goes on."""

import asyncio
import os
import platform
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from loadtests.history import CHECKER
from localmesh import LocalRuntime
from manifests.tools import compiled
from strangler import back, forward, steps

from tests.support.faults import known_phases, plain
from tests.support.mesh_faults import FAULTS, Cell, Mesh, table, tried

FAST = ("eliminate: … becomes the writer", "the database server killed")  # in `make test`
REPORT = os.environ.get("MESH_MATRIX_REPORT", "")


def cells() -> Iterator[object]:
    for phase in known_phases(forward, back, steps):
        if plain(phase).startswith("copy"):  # `figtree copy`, which neither step nor back goes through
            continue
        for fault in FAULTS:
            marks = [] if (plain(phase), fault) == FAST else [pytest.mark.matrix]
            yield pytest.param(phase, fault, marks=marks, id=f"{plain(phase)}-{fault}")


@pytest.fixture(scope="module")
def seen() -> Iterator[list[Cell]]:
    found: list[Cell] = []
    yield found
    if REPORT and found:
        machine = f"{os.cpu_count()} cores, {platform.machine()}, {datetime.now(UTC):%Y-%m-%d}"
        Path(REPORT).write_text(table(found, machine, "make matrix"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    runtime = await LocalRuntime.up(f"matrix-{os.getpid()}")
    try:
        made = Mesh(runtime, tmp_path_factory.mktemp("mesh"), compiled("histories", CHECKER))
        await made.strangler.begin()
        yield made
    finally:
        await runtime.down()


@pytest.mark.timeout(240)
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("phase", "fault"), list(cells()))
async def test_whatever_happens_to_a_process_users_are_served_right_and_the_step_goes_on(
    mesh: Mesh, seen: list[Cell], phase: str, fault: str, tmp_path: Path
) -> None:
    try:
        async with asyncio.timeout(200):
            cell = await tried(mesh, phase, fault, tmp_path)
    except Exception as error:  # whatever it is, it is a red cell
        cell = Cell(phase, fault, went_on=f"{type(error).__name__}: {' '.join(str(error).split())}"[:300])
    seen.append(cell)
    assert not cell.red, cell.red
