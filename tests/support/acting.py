"""Scenes that are acted out for what they leave behind in the figures."""

from collections.abc import Iterable

from runtime.api import Runtime
from scenes.catalogue import BY_NAME
from scenes.engine.run import run


async def failures(runtime: Runtime, names: Iterable[str]) -> list[str]:
    """One after the other; which of them failed, and why."""
    failed = []
    for name in names:
        result = await run(runtime, BY_NAME[name])
        if not result.passed:
            failed.append(f"{name}: {result.why}")
    return failed
