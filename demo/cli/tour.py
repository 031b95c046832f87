"""`make demo`: from nothing to the verdict."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
from pathlib import Path

from loadtests.control import Load
from localmesh.instance import directory_of
from runtime.api import Runtime, RuntimeFailure
from runtime.manifests import ROOT
from scenes.catalogue import BY_NAME, SCENES
from strangler.steps import Strangler

from cli import choose
from cli.display import Lines, console, errors, failures, overload, print_table, table, verdict
from cli.journey import Display, Journey
from cli.scenes import perform
from cli.settings import Settings

TOUR = ("canary-weight", "mirror-v2-rounding", "killed-replica", "mtls")
MESHLESS = tuple(scene.name for scene in SCENES if not scene.needs)
LEFT_OUT = (
    "MESH=off: no istiod, no sidecars; nothing counts the calls between services",
    "MESH=off: the monolith is the edge, and calls each service that takes over a module; the step to 5-no-monolith"
    " switches the edge to the gateway, and /api/customers answers from there on",
    "MESH=off: all reads of a module move at once, not 10, 50 and 100 %, and no mirror compares answers before",
    f"MESH=off: {len(SCENES) - len(MESHLESS)} of {len(SCENES)} scenes are left out; these remain: "
    + ", ".join(MESHLESS),
)


class Silent:
    """Shows nothing."""

    def phase(self, step: str, text: str) -> None: ...
    def note(self, text: str) -> None: ...


async def up(settings: Settings, display: Display) -> Runtime:
    """The runtime and shape 0, or what is running already. A start that fails leaves nothing behind."""
    for left_out in LEFT_OUT if settings.mesh == "off" else ():
        display.note(left_out)
    found = choose.found(settings)
    runtime = await choose.up(settings, display.note)
    try:
        if found:
            await _check(runtime, settings, display)
        await _begin(runtime, settings, display)
    except BaseException:
        if not found and "kubernetes" not in runtime.capabilities:
            display.note("the start has failed: stopping everything again")
            await runtime.down()
        raise
    return runtime


async def _check(runtime: Runtime, settings: Settings, display: Display) -> None:
    """What runs already is used as it is. Raises RuntimeFailure where a part of it does not work."""
    name = settings.figtree_name
    failing = [f"{one.name} ({one.state})" for one in await runtime.workloads.statuses() if not one.ready]
    if failing:
        raise RuntimeFailure(
            f"{name} is there already, but does not work: {', '.join(failing)}. `figtree logs WORKLOAD` shows why;"
            " repair it, or take it down with `figtree down` and start anew"
        )
    display.note(f"{name} is there already: it is used as it is, and goes on running afterwards")


async def _begin(runtime: Runtime, settings: Settings, display: Display) -> None:
    display.phase("0-monolith", "start the monolith, fill its database")
    await Strangler(runtime).begin(settings.titles)


async def demo(settings: Settings, *, interactive: bool) -> int:
    """The journey under load; 0 only if everything held. Interactive, the system stays up until Ctrl-C."""
    display = Lines()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    runtime: Runtime | None = None
    found, failed = False, True
    try:
        found = choose.found(settings)
        runtime = await up(settings, display)
        display.note(f"the edge is {runtime.edge()}")
        if runtime.page():
            display.note(f"watch it happen on the page: {runtime.page()}")
        failed = not (await _travel(settings, runtime, display) and await _scenes(runtime, display))
        if interactive:
            _look_next(runtime)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return int(failed)
    except asyncio.CancelledError:
        failed = False
        errors.print("stopped on request")
        return 130
    finally:
        if runtime is not None and "kubernetes" in runtime.capabilities:
            display.note("the cluster keeps it running; `figtree down` removes it")
        elif runtime is not None and not found:
            if failed:
                with contextlib.suppress(OSError):
                    display.note(f"the logs are kept in {_keep_logs(settings.figtree_name)}")
            display.note("stopping everything")
            await runtime.down()


def _keep_logs(name: str) -> Path:
    """Copy the logs of a local mesh that is about to be removed; those of an earlier run make room."""
    kept = ROOT / "build" / "logs" / name
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(directory_of(name) / "logs", kept)
    return kept


async def _travel(settings: Settings, runtime: Runtime, display: Lines) -> bool:
    with tempfile.TemporaryDirectory(prefix="figtree-load-") as directory:
        strangler = Strangler(
            runtime,
            dwell=settings.dwell,
            lock_limit=settings.lock_limit,
            work_limit=settings.work_limit,
            progress=display.phase,
        )
        load = Load()
        await asyncio.to_thread(
            load.start, runtime.edge(), round(settings.load), settings.seed, Path(directory)
        )
        journey = Journey(runtime, strangler, load, display)
        watching = asyncio.create_task(_watch(load, display))
        try:
            await journey.travel()
        except Exception:
            shape, under_way = await _describe_position(strangler)
            display.note(f"the journey stands at {shape}{under_way}; `figtree step` goes on from there")
            raise
        finally:
            watching.cancel()
            display.users(None)
            ended = await asyncio.to_thread(load.stop)
        journey.conclude(ended)
        outcome = await journey.prove(load.ledger)
    print_table(table(outcome), 5)
    console.print(verdict(outcome), soft_wrap=True)
    if ended.details:
        errors.print(failures(ended.details, display.since))
    if advice := overload(ended.details, settings.load):
        errors.print(advice, soft_wrap=True)
    return outcome.holds


async def _scenes(runtime: Runtime, display: Lines) -> bool:
    display.note("a short tour of the scenes; `figtree scene list` shows all of them\n")
    shown = TOUR if "mesh" in runtime.capabilities else MESHLESS
    results, proof = await perform(runtime, [BY_NAME[name] for name in shown])
    passed = sum(result.passed for result in results)
    console.print(
        f"{passed} of {len(results)} scenes passed, {proof.orders} orders meanwhile, {proof.lost} lost"
    )
    return passed == len(results) and proof.holds


async def _watch(load: Load, display: Lines) -> None:
    while True:
        display.users(load.totals())
        await asyncio.sleep(1)


async def _describe_position(strangler: Strangler) -> tuple[str, str]:
    shape = await strangler.state.shape()
    _, under_way = await strangler.state.position()
    phase = (await strangler.state.phases()).get(under_way, "")
    return shape, f", {under_way} is {phase}" if under_way else ""


def _look_next(runtime: Runtime) -> None:
    console.print(
        f"\nThe system stays up at {runtime.edge()} until Ctrl-C; its page is {runtime.page()}."
        " In another terminal:\n"
        f"  curl {runtime.edge()}/api/titles?query=moby\n"
        "  .venv/bin/figtree status          what runs, with which identity\n"
        "  .venv/bin/figtree back            one step back, without losing a row\n"
        "  .venv/bin/figtree step            and forward again\n"
        "  .venv/bin/figtree shape           the journal of the journey\n"
        "  .venv/bin/figtree load            more users\n"
        "  .venv/bin/figtree scene run --all every claim about the mesh, shown\n"
    )
