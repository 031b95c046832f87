"""What the page can do to the system: figtree's own commands, each a process of its own whose progress is shown."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Show = Callable[[str, dict[str, Any]], None]
LINES = 400
PATIENCE = 30.0  # seconds in which a command that is stopped puts back what it changed


class Busy(Exception):
    """Only one thing is done to the system at a time."""


class Jobs:
    """At most one job of a kind; `show` is told the state of each whenever it changes."""

    def __init__(self, env: Mapping[str, str], show: Show, ended: Callable[[str], Awaitable[None]]) -> None:
        self._env = os.environ | dict(env) | {"PYTHONUNBUFFERED": "1"}
        self._show = show
        self._ended = ended
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self.states: dict[str, dict[str, Any]] = {}

    def pids(self) -> set[int]:
        return {process.pid for process in self._processes.values()}

    def start(self, kind: str, title: str, *arguments: str, **details: Any) -> dict[str, Any]:
        if kind in self._tasks and not self._tasks[kind].done():
            raise Busy(f"{self.states[kind]['title']} is still under way")
        lines: deque[dict[str, Any]] = deque(maxlen=LINES)
        state = {
            "title": title,
            "command": "figtree " + " ".join(arguments),
            "state": "running",
            "begun": time.time(),
            "lines": lines,
            **details,
        }
        self.states[kind] = state
        self._tasks[kind] = asyncio.create_task(self._run(kind, state, arguments))
        self._tell(kind)
        return self._describe(kind)

    def stop(self, kind: str) -> bool:
        """As Ctrl-C: what the command changed it puts back."""
        process = self._processes.get(kind)
        if process is None:
            return False
        self.states[kind]["state"] = "stopping"
        self._tell(kind)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        return True

    async def close(self) -> None:
        for kind in self.states:
            self.stop(kind)
        if tasks := [task for task in self._tasks.values() if not task.done()]:
            await asyncio.wait(tasks, timeout=PATIENCE)
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    async def output(self, *arguments: str) -> Any:
        """The JSON document that a command prints."""
        process = await self._spawn(*arguments)
        self._processes[f"output {process.pid}"] = process
        try:
            text, _ = await process.communicate()
        finally:
            del self._processes[f"output {process.pid}"]
        return json.loads(text)

    async def _spawn(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cli",
            *arguments,
            env=self._env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=2**22,
        )

    async def _run(self, kind: str, state: dict[str, Any], arguments: tuple[str, ...]) -> None:
        process = await self._spawn(*arguments)
        assert process.stdout is not None
        assert process.stderr is not None
        self._processes[kind] = process
        try:
            complaints = asyncio.create_task(process.stderr.read())
            async for line in process.stdout:
                if content := _document(line):
                    state["lines"].append(content | {"at": time.time()})
                    self._tell(kind)
            status = await process.wait()
            state["error"] = (await complaints).decode(errors="replace").strip()[-4000:] if status else ""
            state["state"] = (
                "done" if status == 0 else "stopped" if state["state"] == "stopping" else "failed"
            )
            state["status"] = status
        finally:
            self._processes.pop(kind, None)
            state["ended"] = time.time()
            self._tell(kind)
        await self._ended(kind)

    def _describe(self, kind: str) -> dict[str, Any]:
        state = self.states[kind]
        return state | {"lines": list(state["lines"])}

    def _tell(self, kind: str) -> None:
        self._show(f"job/{kind}", self._describe(kind))


def _document(line: bytes) -> dict[str, Any]:
    """Empty if the line is none: some commands write other things, too."""
    try:
        content = json.loads(line)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
