"""Which Python .venv is made with: this one, another one of this machine, or one that uv brings."""

import contextlib
import glob
import importlib.util
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from typing import List, NamedTuple, Optional, Tuple

from machine.needs import Problem

OLDEST, NEWEST = (3, 11), (3, 14)
BROUGHT = "3.13"  # by uv
UV_NEEDS = (3, 8)
TRIED = ("3.13", "3.12", "3.14", "3.11")
SOURCE = "https://github.com/astral-sh/python-build-standalone/releases"
WAIT = 0.7
ASK = """
import importlib.util, sys, sysconfig
unfit = sys.maxsize < 2**32 or sysconfig.get_config_var("Py_GIL_DISABLED")
print(*sys.version_info[:3], int(bool(unfit)), int(all(map(importlib.util.find_spec, ("venv", "ensurepip")))))
"""


class Python(NamedTuple):
    path: str  # or a version that uv is asked for
    version: str
    venv: bool = True
    brought: bool = False


def supported() -> str:
    return "{}.{} to {}.{}".format(*OLDEST, *NEWEST)


def chosen() -> Tuple[Optional[Python], Optional[Problem]]:
    """The Python that everything runs with, or why there is none."""
    for found in (*_find_usable([sys.executable]), *_find_usable(_find_others())):
        return found, None if found.venv else _no_venv(found)
    here = "{}.{}.{}".format(*sys.version_info[:3])
    say = f"Python {here} is too {'old' if sys.version_info < OLDEST else 'new'} (supported: {supported()})"
    get = "install Python 3.13 from your system's packages, pyenv or uv, and run make with FIGTREE_PYTHON=python3.13"
    if sys.version_info < UV_NEEDS:
        return None, Problem(say, get)
    answer = _explain_unreachable()
    if answer:
        return None, Problem(f"{say}, and uv cannot fetch one ({answer})", get)
    venv = all(map(importlib.util.find_spec, ("venv", "ensurepip")))
    brought = Python(BROUGHT, BROUGHT, venv, True)
    return brought, None if venv else _no_venv(Python(sys.executable, here))


def _find_usable(paths: List[str]) -> List[Python]:
    """Those that the packages are made for; all are asked at the same time."""
    running = []
    for path in paths:
        with contextlib.suppress(OSError):
            running.append(
                (path, subprocess.Popen([path, "-c", ASK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
            )
    found = []
    for path, process in running:
        try:
            major, minor, patch, unfit, venv = map(int, process.communicate(timeout=WAIT * 4)[0].split())
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        except ValueError:
            pass  # it does not run: pyenv has a stand-in for every version that is installed somewhere
        else:
            if OLDEST <= (major, minor) <= NEWEST and not unfit:
                found.append(Python(path, f"{major}.{minor}.{patch}", bool(venv)))
    return found


def _find_others() -> List[str]:
    found = [shutil.which("python" + version) for version in TRIED]
    folder = os.environ.get("UV_PYTHON_INSTALL_DIR") or os.path.join(
        os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share"), "uv", "python"
    )
    found += [
        path
        for version in TRIED
        for path in glob.glob(os.path.join(folder, f"cpython-{version}.*", "bin", "python3"))
    ]
    return [path for path in found if path]


def _explain_unreachable() -> str:
    """Why uv's source of Pythons is not; empty if it is."""
    source = os.environ.get("UV_PYTHON_INSTALL_MIRROR") or SOURCE
    if not source.startswith("http"):
        return ""
    try:
        request = urllib.request.Request(source, method="HEAD")  # noqa: S310
        urllib.request.urlopen(request, timeout=WAIT).close()  # noqa: S310
    except urllib.error.HTTPError:
        return ""  # it answers
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return "{}: {}".format(source.split("/")[2], reason)
    return ""


def _no_venv(python: Python) -> Problem:
    version = ".".join(python.version.split(".")[:2])
    return Problem(
        f"Python {version} has no module venv, which Debian and Ubuntu pack apart",
        f"sudo apt-get install python{version}-venv",
    )
