"""Each scene shows what it claims, fails without its cause, and leaves everything as it was.

`-k routing` takes the scenes of a group, `-k canary-weight` those whose names contain that. The scenes that need a
cluster are acted out on one (.ci/cluster).
"""

import pytest
from runtime.api import Runtime
from scenes.catalogue import SCENES
from scenes.engine.run import Snapshot, run
from scenes.engine.scene import Scene
from strangler.drift import drifts

pytestmark = [pytest.mark.system, pytest.mark.alone]
HERE = [scene for scene in SCENES if scene.is_local]
MESHLESS = [scene for scene in SCENES if not scene.needs]


@pytest.mark.parametrize("scene", HERE, ids=lambda scene: f"{scene.group}-{scene.name}")
async def test_a_scene_passes_fails_without_its_cause_and_leaves_nothing(
    system: Runtime, scene: Scene
) -> None:
    await act_out_twice(system, scene)
    assert not await drifts(system)


@pytest.mark.parametrize("scene", MESHLESS, ids=lambda scene: f"{scene.group}-{scene.name}")
async def test_a_scene_that_needs_no_mesh_does_the_same_without_one(meshless: Runtime, scene: Scene) -> None:
    await act_out_twice(meshless, scene)


async def act_out_twice(system: Runtime, scene: Scene) -> None:
    before = await Snapshot.take(system)
    shown = await run(system, scene)
    assert shown.passed, shown.why
    assert shown.figures
    spoiled = await run(system, scene, negative_control=True)
    assert not spoiled.passed
    assert spoiled.why
    assert await Snapshot.take(system) == before
