"""A running mesh with stand-ins for the workloads, so that the runtime is tested without the application."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo.runtimes.local import LocalRuntime

STANDINS = Path(__file__).with_name("standins")


@pytest.fixture(scope="session")
def standins() -> Iterator[None]:
    before = dict(os.environ)
    os.environ["FIGTREE_COMMANDS"] = str(STANDINS)
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def mesh(standins: None) -> Iterator[LocalRuntime]:
    """A runtime with the HTTP and the gRPC stand-in; its connections are made anew for each call."""

    async def begin() -> LocalRuntime:
        runtime = await LocalRuntime.up(f"test-{os.getpid()}")
        await asyncio.gather(runtime.start("monolith"), runtime.start("currency"))
        return runtime

    runtime = asyncio.run(begin())
    yield runtime
    asyncio.run(runtime.down())
