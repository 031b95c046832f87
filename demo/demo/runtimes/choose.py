"""Which runtime: kind where a Docker engine answers, else local; RUNTIME overrides it."""

from collections.abc import Callable

from demo.runtimes.local import LocalRuntime
from demo.runtimes.runtime import Runtime
from demo.settings import Settings


async def up(settings: Settings, tell: Callable[[str], None]) -> Runtime:
    _must_be_local(settings)
    tell(f"runtime local: processes on this machine, mesh {settings.mesh}; nothing is installed system-wide")
    return await LocalRuntime.up(settings.figtree_name, mesh=settings.mesh == "on", progress=tell)


async def connect(settings: Settings) -> Runtime:
    """What is running already, or NotRunning."""
    _must_be_local(settings)
    return await LocalRuntime.connect(settings.figtree_name)


def _must_be_local(settings: Settings) -> None:
    if settings.runtime in ("kind", "current"):
        raise ValueError(
            f"RUNTIME={settings.runtime} is not there yet; only the local runtime is: RUNTIME=local"
        )
