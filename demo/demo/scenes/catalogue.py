"""All scenes, in the order of the talk."""

from demo.scenes import (
    chaos,
    fallacies,
    grpc,
    kubernetes,
    library,
    messages,
    mirroring,
    resilience,
    routing,
    security,
    security_databases,
    security_methods,
    security_users,
)
from demo.scenes.scene import Scene

SCENES: tuple[Scene, ...] = (
    *routing.SCENES,
    *mirroring.SCENES,
    *resilience.SCENES,
    *chaos.SCENES,
    *messages.SCENES,
    *security.SCENES,
    *security_methods.SCENES,
    *security_users.SCENES,
    *security_databases.SCENES,
    *fallacies.SCENES,
    *library.SCENES,
    *grpc.SCENES,
    *kubernetes.SCENES,
)
BY_NAME = {scene.name: scene for scene in SCENES}
