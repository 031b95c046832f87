"""Real processes on loopback ports, ended by their own pid."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def finish(name: str, *arguments: str, input: bytes = b"", **environment: str) -> str:
    """Run a command to its end and return what it printed."""
    done = subprocess.run(
        command(name, *arguments), input=input, capture_output=True, env={**_inherited(), **environment}
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@contextmanager
def running(
    words: Sequence[str], log: Path, ready: Callable[[], bool], **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ready; it is told to stop at the end, and must."""
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=output, env={**_inherited(), **environment})
    try:
        until = time.monotonic() + 30
        while not ready():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def cpu_seconds(process: psutil.Process) -> float:
    """That it has used since it began."""
    times = process.cpu_times()
    return float(times.user + times.system)


def answers_http(port: int) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    return ready


def accepts(port: int) -> Callable[[], bool]:
    def ready() -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return ready


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
