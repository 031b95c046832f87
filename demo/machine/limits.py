"""What the kernel allows: memory, inotify instances, descriptors, and what kind asks for."""

import ctypes
import os
import resource
from typing import List, Optional, Tuple

from machine.needs import Problem, megabytes

RUNNING = 1500  # MB, the local mesh with its load
COMPILING = 2600  # MB, of which the linker of istiod takes 2,200
INOTIFY = 32  # istiod 3, the supervisor 1, two for each sidecar
DESCRIPTORS = 1024
KIND = (("fs.inotify.max_user_instances", 512), ("fs.inotify.max_user_watches", 524288))


def memory() -> Tuple[Optional[float], Optional[float]]:
    """MB free and in all, swap and the limits of control groups counted; None where it cannot be told."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            kilobytes = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
    except (OSError, ValueError):
        return None, None
    total = (kilobytes["MemTotal"] + kilobytes.get("SwapTotal", 0)) * 1024 / 1e6
    available = (
        (kilobytes.get("MemAvailable", kilobytes["MemFree"]) + kilobytes.get("SwapFree", 0)) * 1024 / 1e6
    )
    for limit, used in _groups():
        total, available = min(total, limit), min(available, limit - used)
    return available, total


def _groups() -> List[Tuple[float, float]]:
    """Limit and use, in MB, of the control groups of this process; files in memory are given up when it is needed."""
    found = []
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as lines:
            paths = [line.rstrip().split(":", 2) for line in lines]
    except OSError:
        return []
    for _, controllers, path in paths:
        version1 = "memory" in controllers.split(",")
        if controllers and not version1:
            continue
        base = "/sys/fs/cgroup/memory" if version1 else "/sys/fs/cgroup"
        names = (
            ("memory.limit_in_bytes", "memory.usage_in_bytes")
            if version1
            else ("memory.max", "memory.current")
        )
        while True:
            try:
                folder = base + path.rstrip("/") + "/"
                limit, used = (_number(folder + name) for name in names)
                found.append((limit / 1e6, (used - _files(folder + "memory.stat", version1)) / 1e6))
            except (OSError, ValueError):
                pass  # none here, or "max"
            if path in ("/", ""):
                break
            path = os.path.dirname(path)
    return found


def _files(path: str, version1: bool) -> int:
    names = [("total_" if version1 else "") + name for name in ("active_file", "inactive_file")]
    with open(path, encoding="ascii") as lines:
        return sum(int(value) for name, value in map(str.split, lines) if name in names)


def _number(path: str) -> int:
    with open(path, encoding="ascii") as file:
        return int(file.read())


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def sysctl(name: str) -> Optional[int]:
    try:
        return _number("/proc/sys/" + name.replace(".", "/"))
    except (OSError, ValueError):
        return None


def inotify_instances(wanted: int) -> int:
    """How many of as many this user can have beside those it has; tried."""
    library = ctypes.CDLL(None, use_errno=True)
    taken = []  # type: List[int]
    try:
        while len(taken) < wanted:
            descriptor = library.inotify_init()
            if descriptor < 0:
                break
            taken.append(descriptor)
    finally:
        for descriptor in taken:
            os.close(descriptor)
    return len(taken)


def problems(compiling: bool) -> List[Problem]:
    """Of a local mesh, which compiles istiod first or does not."""
    found = []
    available, _ = memory()
    needed = COMPILING if compiling else RUNNING
    if available is not None and available < needed:
        why = "compiling istiod" if compiling else "the local mesh"
        found.append(
            Problem(
                f"{megabytes(available)} of memory are free, and {why} needs {megabytes(needed)}",
                "end other programs, or add memory or swap",
            )
        )
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
        found.append(
            Problem(
                f"a process may have {hard} open files, and Envoy needs {DESCRIPTORS}",
                f"raise it with `ulimit -n {DESCRIPTORS}`, or nofile in /etc/security/limits.conf",
            )
        )
        return found
    instances = inotify_instances(INOTIFY)
    if instances < INOTIFY:
        limit = sysctl("fs.inotify.max_user_instances")
        found.append(
            Problem(
                f"of {limit} inotify instances this user can have {instances} more, and the local mesh needs {INOTIFY}",
                f"sudo sysctl fs.inotify.max_user_instances={max(512, 2 * (limit or 0))}",
            )
        )
    return found
