"""Processes of an instance whose supervisor was killed hard."""

import contextlib
import os
from pathlib import Path

import psutil

from localmesh.instance import MARKER


def leftovers(root: Path) -> list[psutil.Process]:
    """Found by the marker in their environment; PostgreSQL's children write over theirs but end with their parent."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARKER) == str(root):
                found.append(process)
    return found


def supervisors(root: Path) -> list[psutil.Process]:
    """One, or none; two while one of them gives way."""
    found = []
    for process in leftovers(root):
        with contextlib.suppress(psutil.Error):
            if "localmesh.supervisor" in process.cmdline():
                found.append(process)
    return found


def is_supervised(root: Path) -> bool:
    return bool(supervisors(root))


def end_leftovers(root: Path) -> int:
    processes = leftovers(root)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=5)
    return len(processes)
