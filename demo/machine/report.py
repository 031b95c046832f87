"""What is found, in lines, and what is missing."""

import os
from typing import List, NamedTuple, Optional

from machine import fetches, folders, limits, programs, pythons, system
from machine.needs import Fetch, Problem, megabytes, minutes
from machine.pythons import Python

RUNNING = ("demo", "up", "test", "test-system", "test-scenes")  # targets that start the system


class Look(NamedTuple):
    lines: List[str]
    problems: List[Problem]
    python: Optional[Python]
    pending: List[Fetch]
    compiles: bool  # istiod, at once


def is_local(target: str) -> bool:
    """Whether the target needs the mesh of processes on this machine."""
    runtime = os.environ.get("RUNTIME") or "auto"
    return (
        target.startswith("test")
        or runtime == "local"
        or (runtime == "auto" and not programs.kind_is_usable())
    )


def look(target: str) -> Look:
    """Before `make TARGET`."""
    local = is_local(target)
    problems = system.problems(local)
    python, without = pythons.chosen()
    if without is not None:
        problems.append(without)
    pending = fetches.pending(target, python, local) if python is not None and folders.cache() else []
    if not problems or os.name == "posix":
        problems += folders.problems(pending)
    compiles = local and target in RUNNING and not fetches.compiled() and os.environ.get("MESH") != "off"
    if local and target in RUNNING and not problems:
        problems += limits.problems(compiling=compiles)
    return Look(_lines(python) + _describe_fetches(pending), problems, python, pending, compiles)


def _lines(python: Optional[Python]) -> List[str]:
    (available, total), cores = limits.memory(), limits.cores()
    memory = (
        f"{available / 1000:.1f} of {total / 1000:.1f} GB memory free"
        if available and total
        else "memory unknown"
    )
    place = folders.cache()
    disk = (
        f"{megabytes(folders.free(place))} free for {_shorten(place)}" if place else "no folder for the tools"
    )
    found = f"Python {python.version}" if python else "no Python that fits"
    return [
        f"{system.described()}; {cores} core{'s' if cores > 1 else ''}, {memory}, {disk}",
        f"{found} (supported: {pythons.supported()}), {programs.describe('Go', programs.go(), programs.GO)},"
        f" {programs.describe('Node.js', programs.node(), programs.NODE)}",
    ]


def _describe_fetches(pending: List[Fetch]) -> List[str]:
    if not pending:
        return ["nothing has to be fetched"]
    lines = [
        f"  once: {one.what:<45} {megabytes(one.network) if one.network else '-':>7}"
        f" {megabytes(one.disk):>7} on disk {minutes(one.seconds):>6}"
        for one in pending
    ]
    network, disk = sum(one.network for one in pending), sum(one.disk for one in pending)
    seconds = sum(one.seconds for one in pending)
    return [
        *lines,
        f"in all about {megabytes(network)} to fetch, {megabytes(disk)} on disk, {minutes(seconds)}",
    ]


def _shorten(path: str) -> str:
    home = folders.home()
    return "~" + path[len(home) :] if home and path.startswith(home + "/") else path


def verdict(problems: List[Problem]) -> str:
    """In one line."""
    return "missing: " + "; and ".join(map(str, problems)) if problems else "nothing is missing"
