"""What a scene is, and what comes of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from scenes.engine.stage import Stage

Group = Literal[
    "routing",
    "mirroring",
    "resilience",
    "chaos",
    "messages",
    "security",
    "fallacies",
    "library",
    "grpc",
    "kubernetes",
]


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
    act: Callable[["Stage"], Awaitable[None]]
    manifests: tuple[str, ...] = ()
    shape: str = "5-no-monolith"  # runs in this shape or a later one
    needs: str = ""  # a capability that not every runtime has


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured."""

    name: str
    value: str
    unit: str = ""


@dataclass(slots=True)
class Result:
    scene: str
    passed: bool = False
    why: str = ""  # why it failed
    seconds: float = 0.0
    figures: list[Figure] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)  # the expectations that held


class NotSeen(Exception):
    """An effect that the scene expects did not show; the text says which, with the figure."""
