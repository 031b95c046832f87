"""What comes of a scene."""

from dataclasses import dataclass, field


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
