"""All scenes, in the order of the talk."""

from demo.scenes import routing
from demo.scenes.scene import Scene

SCENES: tuple[Scene, ...] = (*routing.SCENES,)
BY_NAME = {scene.name: scene for scene in SCENES}
