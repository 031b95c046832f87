"""The journey in its short form: PostgreSQL, NATS, istiod and an Envoy beside every process, or no mesh."""

import asyncio
from pathlib import Path
from typing import ClassVar

import pytest
from cli.journey import Journey, Outcome
from cli.tour import Silent
from loadtests.control import Load
from localmesh import LocalRuntime
from strangler.gate import GateRefused
from strangler.modules import SHAPES
from strangler.state import StepUnderWay
from strangler.steps import Strangler

from tests.conformance.suite import differences, run
from tests.support.histories import check_history

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]
with_and_without_mesh = pytest.mark.parametrize(
    "runtime", [True, False], indirect=True, ids=["mesh", "without-mesh"]
)


async def travel(
    runtime: LocalRuntime, directory: Path, rate: int, killer: "Killer | None" = None
) -> Outcome:
    strangler = Strangler(runtime, dwell=0.5, progress=killer.phase if killer else Silent().phase)
    await strangler.begin()
    load = Load()
    await asyncio.to_thread(load.start, runtime.edge(), rate, 1, directory, history=killer is not None)
    journey = Journey(runtime, strangler, load, Silent())
    try:
        await journey.travel()
    finally:
        journey.conclude(await asyncio.to_thread(load.stop))
    return await journey.prove(load.ledger)


@pytest.mark.alone  # two journeys at once are more than two slow cores carry: the edge then answers 429
@with_and_without_mesh
async def test_no_user_notices_that_the_monolith_is_strangled(runtime: LocalRuntime, tmp_path: Path) -> None:
    outcome = await travel(runtime, tmp_path, rate=60)
    assert (tmp_path / "failures.jsonl").read_text() == ""
    assert outcome.as_json() | {"rows": []} == outcome.as_json() | {
        "rows": [],
        "holds": True,
        "failures": 0,
        "wrong": 0,
        "lost": [],
        "doubled": [],
        "different": [],
        "problems": [],
    }
    assert [row.step for row in outcome.rows][-1] == "5-no-monolith"
    assert "rates (1999-06-21,SKK)" in outcome.refusal
    assert all(row.mismatches == 0 for row in outcome.rows)
    assert await runtime.mesh.rejected_updates() == dict.fromkeys(await runtime.mesh.rejected_updates(), 0)


class Killer:
    """Kills one process in the middle of each step."""

    VICTIMS: ClassVar = {
        "1-currency": ("currency", "app"),
        "2-title": ("gateway", "proxy"),
        "3-pricing": ("istiod", "app"),
        "4-order": ("order", "app"),
        "5-no-monolith": ("ingress", "app"),
    }

    def __init__(self, runtime: LocalRuntime) -> None:
        self._runtime = runtime
        self._left = dict(self.VICTIMS)
        self.tasks: list[asyncio.Task[None]] = []

    def phase(self, step: str, text: str) -> None:
        if ("100 %" in text or "loses its traffic" in text) and (victim := self._left.pop(step, None)):
            self.tasks.append(asyncio.create_task(self._runtime.faults.kill(victim[0], victim[1])))  # type: ignore[arg-type]


async def test_a_process_killed_in_each_step_loses_no_order_and_the_journey_ends(
    runtime: LocalRuntime, tmp_path: Path
) -> None:
    killer = Killer(runtime)
    outcome = await travel(runtime, tmp_path, rate=40, killer=killer)
    await asyncio.gather(*killer.tasks)
    assert len(killer.tasks) == len(Killer.VICTIMS)
    assert (outcome.lost, outcome.doubled, outcome.different, outcome.unexpected) == ([], [], [], [])
    assert 0 < outcome.placed <= outcome.stored
    seen = check_history(tmp_path / "history.jsonl")
    assert (seen.violations, seen.undecided) == ([], [])
    assert seen.orders >= outcome.placed
    assert [row.step for row in outcome.rows][-1] == "5-no-monolith"


async def test_a_second_step_is_refused_while_one_is_under_way(runtime: LocalRuntime) -> None:
    here, there = Strangler(runtime, dwell=0.2), Strangler(runtime, dwell=0.2)
    await here.begin()

    async def meanwhile(_: str) -> None:
        for second in (there.forward, there.back):
            with pytest.raises(StepUnderWay, match="another step is under way"):
                await second()

    assert (await here.forward(meanwhile)).step == "1-currency"
    assert await here.state.shape() == "1-currency"
    await there.back()
    assert await here.state.shape() == "0-monolith"


async def test_a_step_under_way_starts_again_what_somebody_stopped_meanwhile(runtime: LocalRuntime) -> None:
    strangler = Strangler(runtime, dwell=0.2)
    await strangler.begin()

    async def interrupt(_: str) -> None:
        await runtime.workloads.stop("currency")
        await runtime.workloads.stop("gateway")
        raise GateRefused("currency", ["the test interrupts"])

    with pytest.raises(GateRefused, match="interrupts"):
        await strangler.forward(interrupt)
    await strangler.forward()
    assert await strangler.state.shape() == "1-currency"
    assert {"currency", "gateway"} <= {workload.name for workload in await runtime.workloads.statuses()}


@with_and_without_mesh
async def test_every_shape_gives_the_same_answers_there_and_back(runtime: LocalRuntime) -> None:
    strangler = Strangler(runtime, dwell=0.2)
    await strangler.begin()
    first = await run(runtime.edge())
    for shape in SHAPES[1:]:
        await strangler.forward()
        assert "\n".join(differences(first, await run(runtime.edge()))) == "", shape
    for shape in reversed(SHAPES[:-1]):
        await strangler.back()
        assert await strangler.state.shape() == shape
        assert "\n".join(differences(first, await run(runtime.edge()))) == "", f"back in {shape}"
    assert {workload.name for workload in await runtime.workloads.statuses()} == {"monolith"}
