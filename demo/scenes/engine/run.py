"""Runs scenes, and leaves the system as it was before each of them, whatever happened."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from runtime.api import Runtime, RuntimeFailure
from runtime.mesh_objects import ROUTES

from scenes.engine.acknowledged import Acknowledged
from scenes.engine.result import Figure, NotSeen, Result
from scenes.engine.scene import Scene
from scenes.engine.stage import Stage

LIMIT = 120.0  # seconds for one scene


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a scene may change: objects in force, and the replicas of each version of each workload."""

    objects: dict[str, Path]
    replicas: dict[tuple[str, str], int]

    @classmethod
    async def take(cls, runtime: Runtime) -> "Snapshot":
        replicas: dict[tuple[str, str], int] = {}
        for workload in await runtime.workloads.statuses():
            key = (workload.name, workload.version)
            replicas[key] = replicas.get(key, 0) + 1
        return cls(await runtime.mesh.applied(), replicas)

    async def restore(self, runtime: Runtime) -> None:
        now = await Snapshot.take(runtime)
        foreign = {path: name for name, path in now.objects.items() if name not in self.objects}
        routes = [path for path, name in foreign.items() if name.split("/")[0] in ("VirtualService", *ROUTES)]
        # A route goes before the subsets that it names, so that at no moment it leads to nowhere.
        for paths in (routes, [path for path in foreign if path not in routes]):
            if paths:
                await runtime.mesh.delete(paths)
        changed = [path for name, path in self.objects.items() if now.objects.get(name) != path]
        if changed:
            await runtime.mesh.apply(list(dict.fromkeys(changed)))
        for (name, version), count in now.replicas.items():
            wanted = self.replicas.get((name, version), 0)
            if not wanted:
                await runtime.workloads.stop(name, version=version)
            elif wanted != count:
                await runtime.workloads.scale(name, wanted, version=version)
        for (name, version), count in self.replicas.items():
            if (name, version) not in now.replicas:
                await runtime.workloads.start(name, version=version, replicas=count)


async def run(
    runtime: Runtime,
    scene: Scene,
    *,
    negative_control: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    acknowledged: Acknowledged | None = None,
    measured: Callable[[Figure | str], None] = lambda _: None,
) -> Result:
    """Act the scene out and judge it. With `negative_control` the cause of its effect is left out, and it should fail.

    `tell` hears what is done, `measured` each figure and each expectation that holds.
    """
    result = Result(scene.name)
    await runtime.workloads.autoscaling(False)  # what a scene counts must not change under its load
    before = await Snapshot.take(runtime)
    stage = Stage(
        runtime,
        result,
        negative_control=negative_control,
        tell=tell,
        acknowledged=acknowledged,
        measured=measured,
    )
    begun = time.monotonic()
    await runtime.telemetry.report("figtree_scene_running", 1, scene=scene.name)
    try:
        for workload, version in scene.compiled:
            await _compile(runtime, workload, version, tell)
        async with asyncio.timeout(LIMIT):
            await scene.act(stage)
        result.passed = True
    except NotSeen as missing:
        result.why = str(missing)
    except TimeoutError:
        result.why = f"the scene was not over after {LIMIT:g} s"
    except (RuntimeFailure, httpx.HTTPError) as error:
        result.why = f"the scene could not be acted out: {type(error).__name__}: {error}"
    finally:
        await asyncio.shield(_clean_up(runtime, stage, before))
        result.seconds = time.monotonic() - begun
        verdict = "passed" if result.passed else "failed"
        await runtime.telemetry.report("figtree_scene_running", 0, scene=scene.name)
        await runtime.telemetry.report("figtree_scenes_total", 1, scene=scene.name, verdict=verdict)
    return result


async def _compile(runtime: Runtime, workload: str, version: str, tell: Callable[[str], None]) -> None:
    """Before the scene's time begins: a program that was never compiled takes minutes."""
    said = ""
    while doing := await runtime.workloads.prepare(workload, version):
        if doing != said:
            tell(doing)
        said = doing
        await asyncio.sleep(0.5)


async def _clean_up(runtime: Runtime, stage: Stage, before: Snapshot) -> None:
    problems: list[Exception] = []
    for undo in reversed(stage.undo):
        try:
            await undo()
        except Exception as error:  # the rest must be undone all the same
            problems.append(error)
    await stage.client.aclose()
    try:
        await before.restore(runtime)
    finally:
        await runtime.workloads.autoscaling(True)
    if problems:
        raise ExceptionGroup("what the scene changed could not all be undone", problems)
