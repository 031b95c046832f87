"""What a scene is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from scenes.engine.stage import Stage

Group = Literal[
    "routing",
    "mirroring",
    "resilience",
    "gateway-api",
    "chaos",
    "messages",
    "security",
    "fallacies",
    "library",
    "grpc",
    "kubernetes",
]
NEEDS = {  # capabilities that not every runtime has, and which one has them
    "mesh": "the mesh (`figtree down`, then start without MESH=off)",
    "gateway api": "the mesh and the definitions of the Gateway API (on a cluster: `k8s/scripts/addons gateway-api`)",
    "kubernetes": "Kubernetes (RUNTIME=kind or RUNTIME=current)",
    "volumes": "a cluster with a StorageClass, as kind has",
    "two nodes": "a cluster with two worker nodes, as k8s/kind.yaml makes it",
    "two zones": "a cluster whose worker nodes are in two zones, as k8s/kind.yaml makes it",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """One claim. `act` does it on a stage and calls stage.expect for each effect that must be seen.

    `manifests` are files under istio/; the act applies them with stage.apply, and nothing else changes the mesh.
    Whatever the act does to make the effect happen goes through stage.apply or stage.cause, so that a test can leave
    it out and see the scene fail.
    """

    name: str
    group: Group
    title: str
    says: str  # what the talk says
    hypothesis: str
    act: Callable[[Stage], Awaitable[None]]
    manifests: tuple[str, ...] = ()
    shape: str = "5-no-monolith"  # runs in this shape or a later one
    needs: str = "mesh"  # one of NEEDS, or ""
    compiled: tuple[tuple[str, str], ...] = ()  # workloads and versions that are made before the scene begins

    @property
    def is_local(self) -> bool:
        """Whether a local mesh can act it out."""
        return self.needs in ("", "mesh", "gateway api")
