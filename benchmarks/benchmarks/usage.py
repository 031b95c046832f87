"""CPU and memory of everything an instance runs, by what it is."""

import contextlib
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import psutil
from localmesh.instance import directory_of
from localmesh.leftovers import leftovers

NUMBERED = re.compile(r"-v\d+(-rounding)?-\d+$")


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of CPU so far, and proportional set sizes in bytes."""

    cpu: dict[str, float]
    pss: dict[str, int]


def usage(*instances: str, memory: bool = False, plus: dict[str, int] | None = None) -> Usage:
    """Of whole instances, and of further processes by name."""
    cpu: dict[str, float] = defaultdict(float)
    pss: dict[str, int] = defaultdict(int)
    for name, process in _find_processes(instances, plus or {}):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            cpu[name] += times.user + times.system
            if name == "postgres" and process.name() == "postgres" and _is_postmaster(process):
                cpu[name] += times.children_user + times.children_system  # backends that have ended
            if memory:
                pss[name] += process.memory_full_info().pss
    return Usage(cpu, pss)


def _find_processes(instances: tuple[str, ...], plus: dict[str, int]) -> list[tuple[str, psutil.Process]]:
    found = []
    for instance in instances:
        roots = leftovers(directory_of(instance))
        seen = {process.pid: process for process in roots}
        for process in roots:
            with contextlib.suppress(psutil.Error):
                seen |= {child.pid: child for child in process.children(recursive=True)}
        for process in seen.values():
            with contextlib.suppress(psutil.Error):
                found.append((_name(process), process))
    for name, pid in plus.items():
        with contextlib.suppress(psutil.Error):
            found.append((name, psutil.Process(pid)))
    return found


def _is_postmaster(process: psutil.Process) -> bool:
    parent = process.parent()
    return parent is None or parent.name() != "postgres"


def _name(process: psutil.Process) -> str:
    """The workload, `NAME proxy`, or what the program is called."""
    command = process.cmdline()
    program = Path(command[0]).name if command else process.name()
    if process.name() == "postgres":
        return "postgres"
    if program in ("pilot-agent", "envoy") or process.name() in ("pilot-agent", "envoy"):
        return f"{NUMBERED.sub('', Path(process.cwd()).name)} proxy"
    if "localmesh.supervisor" in command:
        return "supervisor"
    if program.startswith("python") and len(command) > 1:
        return Path(command[1]).name
    return program


def watched(instance: str) -> dict[str, dict[str, float]]:
    """What must not grow: memory, descriptors and sockets, by what it is."""
    pss: dict[str, float] = defaultdict(float)
    fds: dict[str, float] = defaultdict(float)
    sockets: dict[str, float] = defaultdict(float)
    for name, process in _find_processes((instance,), {}):
        with contextlib.suppress(psutil.Error, OSError):
            pss[name] += process.memory_full_info().pss / 2**20
            opened = [link.readlink().name for link in Path(f"/proc/{process.pid}/fd").iterdir()]
            fds[name] += len(opened)
            sockets[name] += sum(link.startswith("socket:") for link in opened)
    return {"pss_mib": {k: round(v, 1) for k, v in pss.items()}, "fds": dict(fds), "sockets": dict(sockets)}
