import os
from collections.abc import AsyncIterator

import pytest
from localmesh import LocalRuntime


@pytest.fixture
async def runtime() -> AsyncIterator[LocalRuntime]:
    runtime = await LocalRuntime.up(f"journey-{os.getpid()}")
    try:
        yield runtime
    finally:
        await runtime.down()
