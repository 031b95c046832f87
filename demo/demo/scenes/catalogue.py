"""All scenes, in the order of the talk."""

from demo.scenes import routing, security, security_databases, security_users
from demo.scenes.scene import Scene

SCENES: tuple[Scene, ...] = (
    *routing.SCENES,
    *security.SCENES,
    *security_users.SCENES,
    *security_databases.SCENES,
)
BY_NAME = {scene.name: scene for scene in SCENES}
