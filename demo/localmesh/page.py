"""The page that the supervisor serves beside the mesh; the caller of `up` names it."""

from importlib import import_module
from typing import Protocol

from runtime.api import Runtime
from starlette.applications import Starlette


class Page(Protocol):
    """An application over a runtime."""

    application: Starlette

    def pids(self) -> set[int]:
        """The processes that the page has started and waits for."""
        ...

    async def close(self) -> None: ...


def made(factory: str, runtime: Runtime, environment: dict[str, str], key: str) -> Page:
    """What `MODULE:NAME` makes of the runtime, of the environment for the commands that the page runs, and of the key
    without which it shows nothing."""
    module, _, name = factory.partition(":")
    page: Page = getattr(import_module(module), name)(runtime, environment, key)
    return page
