"""What replication's objects are called, and where they lie."""

from typing import Literal

from strangler.database import MONOLITH
from strangler.module import Module

Direction = Literal["forward", "back"]  # forward: monolith to service


def name_of(module: Module, direction: Direction) -> str:
    """Name of publication, slot and subscription alike."""
    return f"figtree_{module.name}_{direction}"


def ends(module: Module, direction: Direction) -> tuple[str, str]:
    """Databases of the publisher and of the subscriber."""
    return (MONOLITH, module.name) if direction == "forward" else (module.name, MONOLITH)
