"""The programs that are used where they are new enough, and what each answers when it is asked for its version."""

import os
import re
import shutil
import subprocess
from typing import List, Optional, Tuple

GO = (1, 26)  # Istio's go.mod
NODE = (20, 19)  # Vite


def answer(command: List[str], seconds: float = 2) -> Optional[str]:
    """What it prints; None where it is not there, fails or does not end."""
    if shutil.which(command[0]) is None:
        return None
    environment = dict(os.environ, GOTOOLCHAIN="local")
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout.decode(errors="replace").strip()


def version(command: List[str]) -> Optional[Tuple[int, ...]]:
    """The first number of two or three parts that it prints."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", answer(command) or "")
    return tuple(int(part) for part in found.groups() if part) if found else None


def go() -> Optional[Tuple[int, ...]]:
    return version(["go", "env", "GOVERSION"])


def node() -> Optional[Tuple[int, ...]]:
    return version(["node", "--version"]) if shutil.which("npm") else None


def describe(name: str, found: Optional[Tuple[int, ...]], wanted: Tuple[int, ...]) -> str:
    if found is None:
        return f"no {name}"
    shown = name + " " + ".".join(map(str, found))
    return shown if found >= wanted else shown + ", too old"


def kind_is_usable() -> bool:
    """Programs only: whether an engine answers is asked later, and may take seconds."""
    return all(shutil.which(name) for name in ("docker", "kind", "kubectl"))
