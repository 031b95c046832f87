"""The folders that are written to, and the space in them."""

import os
import pwd
import shutil
from typing import Dict, Iterable, List, Optional  # noqa: F401 (in comments)

from machine.needs import Fetch, Problem, megabytes

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
RESERVE = 500  # MB, for a running system


def home() -> Optional[str]:
    """HOME, or what the system says; None where there is none."""
    if os.environ.get("HOME"):
        return os.environ["HOME"]
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return None


def cache() -> Optional[str]:
    base = os.environ.get("XDG_CACHE_HOME") or (home() and os.path.join(str(home()), ".cache"))
    return os.path.join(base, "figtree") if base else None


def instances() -> str:
    """FIGTREE_HOME, else /tmp, or /var/tmp where nothing may be executed in /tmp: PostgreSQL's programs lie there."""
    given = os.environ.get("FIGTREE_HOME")
    return given or ("/tmp" if not _noexec("/tmp") else "/var/tmp")  # noqa: S108


def existing(path: str) -> str:
    """The folder itself or the nearest one above it that is there."""
    path = os.path.abspath(path)
    while not os.path.exists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path


def _noexec(path: str) -> bool:
    return bool(os.statvfs(existing(path)).f_flag & getattr(os, "ST_NOEXEC", 8))


def free(path: str) -> float:
    """MB."""
    return shutil.disk_usage(existing(path)).free / 1e6


def problems(fetches: Iterable[Fetch]) -> List[Problem]:
    fetches = list(fetches)
    base = os.environ.get("XDG_CACHE_HOME")
    place = cache()
    if place is None or not (os.environ.get("HOME") or base):
        return [Problem("HOME is not set", "set HOME, or XDG_CACHE_HOME to a folder for the tools (5 GB)")]
    if base and not os.path.isabs(base):
        return [Problem(f"XDG_CACHE_HOME is {base!r}", "give the folder from the root on")]
    found = []
    for folder, remedy in (
        (place, "set XDG_CACHE_HOME to a folder that you may write to, for the tools (5 GB)"),
        (ROOT, "clone Figtree into a folder of your own"),
        (instances(), "set FIGTREE_HOME to a folder with a short name that you may write to"),
    ):
        there = existing(folder)
        if not os.path.isdir(there):
            found.append(Problem(f"{there} is no folder", remedy))
        elif not os.access(there, os.W_OK | os.X_OK):
            found.append(Problem(f"{there} cannot be written to", remedy))
        elif _noexec(folder):
            remedy = remedy.replace("write to", "run programs from")
            found.append(Problem(f"no program can be run from {there} (mounted noexec)", remedy))
    return found or _find_full(fetches)


def _find_full(fetches: List[Fetch]) -> List[Problem]:
    wanted = {}  # type: Dict[int, float]
    names = {}  # type: Dict[int, str]
    for folder, size in [(one.folder, one.disk) for one in fetches] + [(instances(), RESERVE)]:
        there = existing(folder)
        device = os.stat(there).st_dev
        names.setdefault(device, there)
        wanted[device] = wanted.get(device, 0) + size
    return [
        Problem(
            f"{names[device]} has {megabytes(free(names[device]))} free and needs {megabytes(size)}",
            f"make room, or {_remedy(names[device])}",
        )
        for device, size in wanted.items()
        if free(names[device]) < size
    ]


def _remedy(full: str) -> str:
    """How its disk is left alone."""
    if full == existing(instances()):
        return "set FIGTREE_HOME to a folder with a short name on another disk"
    if full == existing(ROOT):
        return "clone Figtree onto another disk"
    return "set XDG_CACHE_HOME to another disk"
