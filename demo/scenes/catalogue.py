"""All scenes, in the order of the talk."""

from scenes.engine.scene import Scene
from scenes.groups import (
    chaos,
    fallacies,
    gateway_api,
    grpc,
    kubernetes,
    library,
    messages,
    mirroring,
    resilience,
    routing,
    security,
)

SCENES: tuple[Scene, ...] = (
    *routing.SCENES,
    *mirroring.SCENES,
    *resilience.SCENES,
    *gateway_api.SCENES,
    *chaos.SCENES,
    *messages.SCENES,
    *security.SCENES,
    *fallacies.SCENES,
    *library.SCENES,
    *grpc.SCENES,
    *kubernetes.SCENES,
)
BY_NAME = {scene.name: scene for scene in SCENES}
