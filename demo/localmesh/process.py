"""A child process that is kept running, and its log."""

import asyncio
import contextlib
import ctypes
import os
import pwd
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from runtime.api import StartFailed

from localmesh.events import Events

_PRCTL = ctypes.CDLL(None).prctl
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
LOG_LIMIT = 8 * 1024 * 1024
TRIES = 3  # a process that dies this often while starting will not come up
FIRST_PAUSE, LONGEST_PAUSE, GOOD_RUN = 0.1, 5.0, 10.0


def adopt_orphans(adopt: bool = True) -> None:
    """Grandchildren whose parent dies become ours, so that none escapes."""
    _PRCTL(_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0)


def die_with_parent() -> None:
    _PRCTL(_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def run_as(user: str | None) -> dict[str, Any]:
    """Arguments for a subprocess of another user: PostgreSQL refuses to run as root."""
    if not user:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}  # nogroup or nobody


class Child(Protocol):
    """What is asked of a running process."""

    pid: int

    @property
    def returncode(self) -> int | None: ...
    async def wait(self) -> int: ...
    def send_signal(self, number: int, /) -> None: ...


Spawn = Callable[[Sequence[str], Mapping[str, str], Path, int], Awaitable[Child]]


@dataclass(slots=True)
class Process:
    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    events: Events
    cwd: Path | None = None
    user: str | None = None
    stop_signal: int = signal.SIGTERM
    grace: float = 15.0
    on_exit: Callable[[], None] = lambda: None
    on_start: Callable[[], None] = lambda: None
    restarts: int = 0
    stopping: bool = False
    spawn: Spawn | None = None  # from command, environment, folder and log's descriptor; else it is executed
    child: Child | None = None
    _keeper: asyncio.Task[None] | None = None
    _started: asyncio.Event = field(default_factory=asyncio.Event)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)  # not while it is held down

    @property
    def pid(self) -> int | None:
        return self.child.pid if self.child is not None and self.child.returncode is None else None

    async def start(self) -> None:
        self._wanted.set()
        self._keeper = asyncio.create_task(self._keep(), name=self.name)
        await self._started.wait()

    async def once(self) -> int:
        """Run it to its end, whatever that is; its exit status."""
        try:
            await self._spawn()
        except OSError as error:
            raise self.failed(f"cannot be started ({error})") from None
        assert self.child is not None
        return await self.child.wait()

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while not self.stopping:
            begun = time.monotonic()
            try:
                await self._spawn()
            except OSError as error:
                self.events.add("exited", self.name, f"cannot be started: {error}")
            self._started.set()
            if self.child is not None:
                self.on_start()
                status = await self.child.wait()
                self._end_group()  # what it leaves running would keep its ports
                if self.stopping:
                    return
                self.events.add("exited", self.name, f"status {status}; starting it again")
                self.on_exit()
            if not self._wanted.is_set():
                await self._wanted.wait()
                continue
            if time.monotonic() - begun > GOOD_RUN:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            self.restarts += 1

    async def _spawn(self) -> None:
        self.child = None
        with self.log.open("ab") as log:
            self.child = await (self._fork(log.fileno()) if self.spawn else self._execute(log))
        self.events.add("started", self.name, f"pid {self.child.pid}")

    async def _fork(self, log: int) -> Child:
        assert self.spawn is not None
        assert self.cwd is not None
        return await self.spawn(self.command, self.env, self.cwd, log)

    async def _execute(self, log: BinaryIO) -> Child:
        return await asyncio.create_subprocess_exec(
            *self.command,
            env=self.env,
            cwd=self.cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent,
            **run_as(self.user),
        )

    async def until(self, ready: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """Wait for it; fails with the end of its log when time is up or it keeps dying."""
        deadline = time.monotonic() + seconds
        while not await ready():
            self.check_alive()
            if time.monotonic() > deadline:
                raise self.failed(f"is not ready after {seconds:g} s")
            await asyncio.sleep(0.03)

    def check_alive(self) -> None:
        if self.restarts >= TRIES:
            raise self.failed(f"has died {self.restarts} times")

    def failed(self, what: str) -> StartFailed:
        return StartFailed("\n".join([f"{self.name} {what}:", *tail(self.log, 15)]))

    def kill(self) -> None:
        if self.child is not None and self.child.returncode is None:
            self.events.add("killed", self.name, f"pid {self.child.pid}")
            self._end_group()

    def freeze(self) -> None:
        """SIGSTOP to it and what it has started."""
        if self.child is not None and self.child.returncode is None:
            self.events.add("frozen", self.name, f"pid {self.child.pid}")
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGSTOP)

    async def hold_down(self) -> None:
        """SIGKILL, and no new start until `let_up`."""
        self._wanted.clear()
        self.kill()
        if self.child is not None:
            await self.child.wait()

    def let_up(self) -> None:
        self._wanted.set()

    def _end_group(self) -> None:
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)

    async def stop(self) -> None:
        self.stopping = True
        if self.child is not None and self.child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.child.send_signal(self.stop_signal)
            try:
                await asyncio.wait_for(self.child.wait(), self.grace)
            except TimeoutError:
                self.events.add("killed", self.name, f"did not stop within {self.grace:g} s")
            self._end_group()
            await self.child.wait()
            self.events.add("stopped", self.name, "")
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper

    def trim_log(self) -> None:
        """Keep the last part: the children append, so cutting the file under them is safe."""
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_LIMIT:
                self.log.with_suffix(".1.log").write_bytes(self.log.read_bytes())
                os.truncate(self.log, 0)


def tail(path: Path, lines: int) -> list[str]:
    """The last lines, reaching into the part cut off before."""
    text: list[str] = []
    for part in (path.with_suffix(".1.log"), path):
        with contextlib.suppress(FileNotFoundError):
            text += part.read_text(errors="replace").splitlines()
    return text[-lines:] if lines else []
