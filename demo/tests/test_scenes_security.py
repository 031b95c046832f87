"""Each scene shows what it claims, fails without its premise, and leaves everything as it was."""

import pytest
from demo.diff import drifts
from demo.runtimes.runtime import Runtime
from demo.scenes import fallacies, library, security, security_databases, security_methods, security_users
from demo.scenes.engine import Snapshot, run
from demo.scenes.scene import Scene

pytestmark = pytest.mark.scenes
SCENES = (
    *security.SCENES,
    *security_methods.SCENES,
    *security_users.SCENES,
    *security_databases.SCENES,
    *fallacies.SCENES,
    *library.SCENES,
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_security_fallacies_and_library(system: Runtime, scene: Scene) -> None:
    before = await Snapshot.take(system)
    shown = await run(system, scene)
    assert shown.passed, shown.why
    assert shown.figures
    spoiled = await run(system, scene, sabotage=True)
    assert not spoiled.passed
    assert spoiled.why
    assert await Snapshot.take(system) == before
    assert not await drifts(system)
