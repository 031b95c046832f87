import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from loadtests.history import CHECKER, Judged, judge
from localmesh import LocalRuntime
from manifests.tools import compiled


@pytest.fixture
async def runtime() -> AsyncIterator[LocalRuntime]:
    runtime = await LocalRuntime.up(f"journey-{os.getpid()}")
    try:
        yield runtime
    finally:
        await runtime.down()


def judged(history: Path) -> Judged:
    """Whether the calls of every order are linearizable."""
    return judge(history, [str(compiled("histories", CHECKER))])
