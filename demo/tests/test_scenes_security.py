"""Each scene shows what it claims, fails without its cause, and leaves everything as it was."""

import pytest
from runtime.api import Runtime
from scenes.engine.run import Snapshot, run
from scenes.engine.scene import Scene
from scenes.groups import fallacies
from scenes.groups.library import retries as library
from scenes.groups.security import databases as security_databases
from scenes.groups.security import methods as security_methods
from scenes.groups.security import mtls as security
from scenes.groups.security import users as security_users
from strangler.drift import drifts

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
    spoiled = await run(system, scene, negative_control=True)
    assert not spoiled.passed
    assert spoiled.why
    assert await Snapshot.take(system) == before
    assert not await drifts(system)
