import os
from collections.abc import AsyncIterator

import pytest
from localmesh import LocalRuntime


@pytest.fixture
async def runtime(request: pytest.FixtureRequest) -> AsyncIterator[LocalRuntime]:
    """With the mesh, unless a test's parameter says False."""
    runtime = await LocalRuntime.up(f"journey-{os.getpid()}", mesh=getattr(request, "param", True))
    try:
        yield runtime
    finally:
        await runtime.down()
