"""The local runtime as its users see it: a connection to the supervisor."""

import asyncio
import contextlib
import functools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Self

import httpx
import psutil
from machine import compiling, limits, system
from machine.fetches import compiled
from runtime.api import NotRunning, RuntimeFailure, StartFailed

from localmesh.api import Info, Parts
from localmesh.instance import MARKER, directory_of
from localmesh.istio_binaries import Binaries
from localmesh.leftovers import end_leftovers, is_supervised
from localmesh.probe import NO_TLS
from localmesh.process import tail
from localmesh.rpc import failure, remote

Progress = Callable[[str], None]
UP_LIMIT = 60.0
GRACE = 1.0  # until a supervisor that was started holds its lock


class LocalRuntime:
    """Processes on this machine under one supervisor; made by `up` or `connect`."""

    def __init__(self, info: Info, parts: Parts) -> None:
        self.info = info
        self.capabilities = frozenset({"mesh", "gateway api"} if info.mesh else ())
        self.supervisor = parts.supervisor
        self.workloads = parts.workloads
        self.mesh = parts.mesh
        self.databases = parts.databases
        self.telemetry = parts.telemetry
        self.faults = parts.faults

    def __reduce__(self) -> tuple[object, ...]:
        """Another process reaches the supervisor by its socket."""
        return _of, (self.info,)

    @property
    def name(self) -> str:
        return self.info.name

    @classmethod
    async def up(
        cls,
        name: str = "demo",
        mesh: bool = True,
        progress: Progress = lambda _: None,
        page: str = "",
        private: bool = False,
    ) -> Self:
        """Start the infrastructure, or connect if it runs already. Compiles istiod if that was never done.

        `page` is MODULE:NAME of the page that the supervisor serves (localmesh.page); "" serves none. A `private`
        instance has a network of its own (localmesh.network): this process must enter it before it uses anything there.
        """
        if not is_supervised(directory_of(name)):
            _refuse_what_cannot_run(mesh)
        if mesh:
            await _compile_binaries(progress)
        parts = _parts(name)
        try:
            info = await parts.supervisor.info()
        except NotRunning:
            options = [
                *([] if mesh else ["--no-mesh"]),
                *([f"--page={page}"] if page else []),
                *(["--private"] if private else []),
            ]
            return cls(await _launch_and_wait(name, options, progress), parts)
        if info.mesh != mesh:
            raise RuntimeFailure(
                f"{name} is running {'with' if info.mesh else 'without'} the mesh: stop it first"
            )
        return cls(await _until_ready(name, progress), parts)

    @staticmethod
    def exists(name: str = "demo") -> bool:
        """Whether one runs, or was left by a supervisor that was killed: `up` goes on with it."""
        return directory_of(name).exists()

    @classmethod
    async def connect(cls, name: str = "demo") -> Self:
        """To one that runs or is just starting."""
        if not await asyncio.to_thread(is_supervised, directory_of(name)):
            raise NotRunning(f"{name} is not running: start it with `figtree up`")
        return cls(await _until_ready(name, lambda _: None), _parts(name))

    def edge(self) -> str:
        return f"http://127.0.0.1:{self.info.edge_port}"

    def page(self) -> str:
        return f"http://127.0.0.1:{self.info.page_port}/?key={self.info.page_key}"

    @staticmethod
    def forget(name: str) -> bool:
        """Remove what a killed supervisor has left; False if there is nothing, or if one is there."""
        root = directory_of(name)
        if is_supervised(root) or not root.exists():
            return False
        end_leftovers(root)
        shutil.rmtree(root)
        return True

    async def tidy(self) -> None:
        """Nothing: here scenes call from processes of their own, which have ended."""

    async def down(self) -> None:
        """Stop everything; ends when nothing is left."""
        pid = (await self.supervisor.info()).pid
        try:
            supervisor = psutil.Process(pid)
        except psutil.NoSuchProcess:
            return
        await self.supervisor.down()
        root = directory_of(self.name)
        for _ in range(900):
            if not root.exists() and not supervisor.is_running():
                return
            await asyncio.sleep(0.05)
        raise RuntimeFailure(f"{self.name} did not stop: see {root}/supervisor.log")


def _of(info: Info) -> LocalRuntime:
    return LocalRuntime(info, _parts(info.name))


@functools.cache
def _parts(name: str) -> Parts:
    return remote(Parts, functools.partial(_send, name))


async def _launch_and_wait(name: str, options: list[str], progress: Progress) -> Info:
    """Ready, or gone again where this fails, is cancelled, or cannot tell its progress."""
    launching = asyncio.ensure_future(asyncio.to_thread(_launch, name, options))
    try:
        await asyncio.shield(launching)
        return await _until_ready(name, progress)
    except BaseException:  # also where nobody reads what is printed any more
        await launching
        begun = time.monotonic()
        while (waited := time.monotonic() - begun) < UP_LIMIT:
            if waited > GRACE and not is_supervised(directory_of(name)):
                break
            with contextlib.suppress(RuntimeFailure):  # it has no socket yet, or none any more
                await _parts(name).supervisor.down()
            await asyncio.sleep(0.05)
        raise


async def _compile_binaries(progress: Progress) -> None:
    binaries = Binaries()
    try:
        await asyncio.to_thread(binaries.ensure, progress)
    except asyncio.CancelledError:
        binaries.interrupt()
        raise


def _refuse_what_cannot_run(mesh: bool) -> None:
    """Before anything is compiled or started. Raises RuntimeFailure."""
    problems = system.problems(local=True)
    if mesh and not problems:
        problems = limits.problems(compiling=not compiled() and not compiling.under_way())
    if problems:
        raise RuntimeFailure("; and ".join(map(str, problems)))


def _launch(name: str, options: list[str]) -> None:
    root = directory_of(name)
    root.mkdir(mode=0o711, exist_ok=True)
    log_file = root / "supervisor.log"
    log_file.touch(mode=0o600)
    with log_file.open("wb") as log:
        command = [sys.executable, "-m", "localmesh.supervisor", name, *options]
        env = os.environ | {MARKER: str(root), "MALLOC_ARENA_MAX": "2"}
        subprocess.run(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=True,
        )


async def _until_ready(name: str, progress: Progress) -> Info:
    parts, seen, begun = _parts(name), 0, time.monotonic()
    while time.monotonic() - begun < UP_LIMIT:
        await asyncio.sleep(0.05)
        try:
            info = await parts.supervisor.info()
            events = await parts.telemetry.events(seen)
        except NotRunning:
            _check_begins(name, time.monotonic() - begun)
            continue
        for event in events:
            seen = event.sequence
            if event.kind == "ready":
                progress(f"{event.subject} is ready")
        if info.failure:
            await parts.supervisor.down()
            raise StartFailed(info.failure)
        if info.ready:
            return info
    raise StartFailed(f"{name} is not ready after {UP_LIMIT:g} s: see {directory_of(name)}/supervisor.log")


def _check_begins(name: str, waited: float) -> None:
    """A supervisor without a socket yet must at least be there."""
    root = directory_of(name)
    if waited > 2 and not is_supervised(root):
        said = tail(root / "supervisor.log", 15)
        raise StartFailed(
            "\n".join(["the supervisor has ended" + (":" if said else " without a word"), *said])
        )


async def _send(name: str, procedure: str, body: bytes) -> bytes:
    path = directory_of(name) / "run" / "control.sock"
    transport = httpx.AsyncHTTPTransport(uds=str(path), verify=NO_TLS)
    async with httpx.AsyncClient(transport=transport, base_url="http://supervisor", timeout=180) as client:
        try:
            answer = await client.post(f"/{procedure}", content=body)
        except httpx.ConnectError:
            raise NotRunning(f"{name} is not running: start it with `figtree up`") from None
        except httpx.HTTPError as error:
            method = procedure.rpartition(".")[2]
            raise RuntimeFailure(
                f"the supervisor of {name} has not answered {method} ({type(error).__name__}); its log is"
                f" {directory_of(name)}/supervisor.log; try again"
            ) from None
    if answer.is_success:
        return answer.content
    raise failure(answer.json())
