"""The supervisor's side of the prefork: children that were not made by asyncio, and how they are asked for."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from localmesh.process import die_with_parent

# Seconds. The first answer waits until the libraries are loaded: at a load of 12 on two cores longer than 10 s.
ANSWER = 30.0


class PreforkedProcess:
    """A child of ours by adoption, with what `asyncio.subprocess.Process` offers of it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()
        self._handle = os.pidfd_open(pid)
        asyncio.get_running_loop().add_reader(self._handle, self._reap)

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        self.returncode = -signal.SIGKILL
        with suppress(ChildProcessError):  # housekeeping was faster
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self._ended.set()

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)


class Prefork:
    """Starts console scripts of this environment as forks of one process; starts that one anew if it has died."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._lock = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def open(self) -> None:
        parent_end, child_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent_end.settimeout(ANSWER)
        with child_end:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-m", "localmesh.prefork"],
                env=self._env,
                stdin=child_end.fileno(),
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self._socket = parent_end

    async def spawn(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path, log: int
    ) -> PreforkedProcess:
        """Raises OSError if there is no child."""
        request = json.dumps({"command": list(command), "env": dict(env), "cwd": str(cwd)}).encode()
        async with self._lock:
            if self.pid is None:
                self._anew()
            try:
                pid = await asyncio.to_thread(self._ask, request, log)
            except ConnectionError:  # it died between the look and the question
                self._anew()
                pid = await asyncio.to_thread(self._ask, request, log)
            return PreforkedProcess(pid)

    def _anew(self) -> None:
        self.close()
        self.open()

    def _ask(self, request: bytes, log: int) -> int:
        assert self._socket is not None
        socket.send_fds(self._socket, [request], [log])
        if not (answer := self._socket.recv(32)):
            raise ConnectionResetError("the prefork has ended")
        return int(answer)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
