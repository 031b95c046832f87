"""Each scene shows what it claims, fails without its cause, and leaves everything as it was."""

import pytest
from runtime.api import Runtime
from scenes.engine.run import Snapshot, run
from scenes.engine.scene import Scene
from scenes.groups.grpc import SCENES

pytestmark = pytest.mark.scenes


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_grpc(system: Runtime, scene: Scene) -> None:
    before = await Snapshot.take(system)
    shown = await run(system, scene)
    assert shown.passed, shown.why
    assert shown.figures
    spoiled = await run(system, scene, negative_control=True)
    assert not spoiled.passed
    assert spoiled.why
    assert await Snapshot.take(system) == before
