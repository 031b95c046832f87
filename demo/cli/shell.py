"""One bash for all commands of a page, so that what one exports is there for the next."""

import contextlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from runtime.manifests import ROOT

PATIENCE = 60.0  # seconds in which a command that is interrupted puts back what it changed


class ShellEnded(OSError):
    """A command has ended the shell itself."""


class Shell:
    """At the root of the repository, with `figtree` on its PATH; it writes to this terminal or to `output`."""

    def __init__(self, output: IO[bytes] | None = None, **environment: str) -> None:
        ours, self._theirs = os.pipe()
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._process = subprocess.Popen(
            ["bash"],  # noqa: S607
            cwd=ROOT,
            env=os.environ | {"PATH": path} | environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output and subprocess.STDOUT,
            pass_fds=[self._theirs],
        )
        os.close(self._theirs)
        self._statuses = os.fdopen(ours)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, text: str) -> int:
        """The exit status of the command. It reads nothing, and its end is told past its output. Raises ShellEnded."""
        assert self._process.stdin is not None
        fd = self._theirs
        line = f"eval {shlex.quote(text)} </dev/null {fd}>&-\necho $? >&{fd}\n"
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
            status = self._statuses.readline()
        except BrokenPipeError:
            status = ""
        if not status:
            raise ShellEnded(f"the shell ended with `{text}`")
        return int(status)

    def close(self) -> None:
        """Waits until the command that was under way has put back what it changed."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._statuses.close()


class RecordingShell(Shell):
    """A shell that keeps what its commands print, in lines as long as those of the pages."""

    def __init__(self, written: IO[bytes], read: IO[bytes], **environment: str) -> None:
        super().__init__(written, COLUMNS="200", **environment)
        self._read = read

    def record(self, text: str) -> str:
        """What the command prints, errors included. Raises ShellEnded."""
        self.run(text)
        return self._read.read().decode(errors="replace")


@contextlib.contextmanager
def recording(**environment: str) -> Iterator[RecordingShell]:
    """A shell whose output is kept while the block lasts."""
    with (
        tempfile.NamedTemporaryFile() as written,
        Path(written.name).open("rb") as read,
        RecordingShell(written, read, **environment) as shell,
    ):
        yield shell
