"""A running mesh, with stand-ins for the workloads or with the application itself."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from cli import tour
from cli.settings import Settings
from localmesh import LocalRuntime
from runtime.api import Runtime
from strangler.modules import SHAPES
from strangler.steps import Strangler

STANDINS = Path(__file__).with_name("standins")


@contextmanager
def standing_in() -> Iterator[None]:
    """An instance that is started inside the block runs stand-ins, for as long as it lives."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FIGTREE_COMMANDS", str(STANDINS))
        patched.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield


@pytest.fixture
def standins() -> Iterator[None]:
    with standing_in():
        yield


@pytest.fixture(scope="session")
def mesh() -> Iterator[LocalRuntime]:
    """A runtime with the HTTP and the gRPC stand-in; its connections are made anew for each call."""

    async def begin() -> LocalRuntime:
        with standing_in():
            runtime = await LocalRuntime.up(f"test-{os.getpid()}")
        await asyncio.gather(runtime.workloads.start("monolith"), runtime.workloads.start("currency"))
        return runtime

    runtime = asyncio.run(begin())
    yield runtime
    asyncio.run(runtime.down())


@pytest.fixture(scope="session")
def system() -> Iterator[Runtime]:
    """The real system without the monolith, for the tests of scenes: made once, which takes a minute.

    FIGTREE_SCENES names an instance in that shape that runs already.
    """
    if name := os.environ.get("FIGTREE_SCENES"):
        yield asyncio.run(LocalRuntime.connect(name))
        return
    yield from last_shape("scenes", "on")


@pytest.fixture(scope="session")
def meshless() -> Iterator[Runtime]:
    """The same without the mesh."""
    yield from last_shape("meshless", "off")


def last_shape(name: str, mesh: Literal["on", "off"]) -> Iterator[Runtime]:
    """The system without the monolith; it ends when the test session does."""

    async def begin() -> Runtime:
        settings = Settings(figtree_name=f"{name}-{os.getpid()}", runtime="local", mesh=mesh, dwell=0.3)
        runtime = await tour.up(settings, tour.Silent())
        strangler = Strangler(runtime, dwell=settings.dwell)
        for _ in SHAPES[1:]:
            await strangler.forward()
        return runtime

    runtime = asyncio.run(begin())
    yield runtime
    asyncio.run(runtime.down())
