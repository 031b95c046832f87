"""Each phase of a step, and each fault in it: answers stay right, no order is lost, and the step goes on."""

import asyncio
import os
import platform
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.faults import FAULTS, Cell, known_phases, plain, table, tried
from tests.support.postgres import Postgres
from tests.support.strangling import OnlyDatabases, two_databases, without_traffic

FAST = {  # in `make test-system`; all the others are in `make matrix`
    ("co-exist: .* % to", "rows changed in the copy"),
    ("co-exist: .* % to", "apply worker frozen for 6 s"),
    ("eliminate: .* becomes the writer", "walsender killed"),
    ("back: compare", "rows truncated in the copy"),
    ("back: the monolith reads", "disk of the copy full"),
    ("back: the monolith becomes", "table locked for 3 s"),
}
REPORT = os.environ.get("MATRIX_REPORT", "")


def cells() -> Iterator[object]:
    for phase in known_phases():
        for fault in FAULTS:
            fast = any(plain(phase).startswith(p.replace(".*", "…")) and fault == f for p, f in FAST)
            marks = [pytest.mark.system if fast else pytest.mark.matrix]
            yield pytest.param(phase, fault, marks=marks, id=f"{plain(phase)}-{fault}")


@pytest.fixture(scope="module")
def seen() -> Iterator[list[Cell]]:
    found: list[Cell] = []
    yield found
    if REPORT and found:
        machine = f"{os.cpu_count()} cores, {platform.machine()}, PostgreSQL 18, {datetime.now(UTC):%Y-%m-%d}"
        Path(REPORT).parent.mkdir(parents=True, exist_ok=True)
        Path(REPORT).write_text(table(found, machine, "make matrix"))


@pytest.fixture
async def runtime(postgres: Postgres) -> AsyncIterator[OnlyDatabases]:
    async with two_databases(postgres) as runtime:
        yield runtime


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("phase", "fault"), list(cells()))
async def test_whatever_happens_in_a_phase_users_are_right_and_the_step_goes_on(
    runtime: OnlyDatabases, seen: list[Cell], phase: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_traffic(monkeypatch)
    for name in ("forward.LOG_FLUSH", "context.SETTLE", "back.SETTLE"):
        monkeypatch.setattr(f"strangler.{name}", 0.05)
    try:
        async with asyncio.timeout(100):
            cell = await tried(runtime, phase, fault)
    except TimeoutError:
        cell = Cell(phase, fault, reached=True, went_on="it does not end within 100 s")
    except Exception as error:  # whatever it is, it is a red cell
        cell = Cell(
            phase, fault, reached=True, went_on=" ".join(f"{type(error).__name__}: {error}".split())[:300]
        )
    seen.append(cell)
    assert not cell.red, cell.red
