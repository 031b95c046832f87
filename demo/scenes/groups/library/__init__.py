"""Resilience in a library or in the mesh."""

from scenes.groups.library.retries import SCENES

__all__ = ["SCENES"]
