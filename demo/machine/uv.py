"""uv, from PyPI into the cache: beside its place first, its hash compared with the one in uv.lock."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from typing import List

VERSION = "0.13.9"
PIP = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--require-hashes",
    "--only-binary",
    ":all:",
    "--disable-pip-version-check",
]


def bring(uv: str, lock: str, python: str) -> None:
    """Puts it at the path `uv`, once even if several ask at the same time. Raises OSError where it cannot be had."""
    folder = os.path.dirname(os.path.dirname(uv))
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    part = tempfile.mkdtemp(prefix="uv.", dir=os.path.dirname(folder))
    try:
        installer = os.path.join(part, "pip")
        _run([python, "-m", "venv", "--without-pip", os.path.join(part, "made")])
        _run([python, "-m", "venv", installer])
        wanted = os.path.join(part, "uv.txt")
        with open(wanted, "w", encoding="ascii") as file:
            file.write(requirement(lock, "uv"))
        made = os.path.join(part, "made")
        _run([os.path.join(installer, "bin", "python"), *PIP, "--prefix", made, "-r", wanted])
        if os.path.isdir(folder) and not os.path.exists(uv):
            shutil.rmtree(folder, ignore_errors=True)  # begun by an earlier Figtree, and interrupted
        with contextlib.suppress(OSError):  # another process was faster
            os.rename(made, folder)
        if not os.path.exists(uv):
            raise OSError(f"uv cannot be put into {folder}: remove that folder")
    finally:
        shutil.rmtree(part, ignore_errors=True)


def requirement(lock: str, name: str) -> str:
    """A line for pip with the version and the hashes that the lock has."""
    with open(lock, encoding="utf-8") as file:
        text = file.read()
    block = re.search(rf'^name = "{name}"\nversion = "([^"]+)"\n(.*?)^\[\[', text, re.MULTILINE | re.DOTALL)
    if block is None:
        raise OSError(f"there is no {name} in {lock}")
    hashes = re.findall(r"sha256:[0-9a-f]{64}", block.group(2))
    return f"{name}=={block.group(1)} " + " ".join(f"--hash={one}" for one in hashes)


def _run(command: List[str]) -> None:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        output = process.communicate()[0]
    except BaseException:
        os.killpg(
            process.pid, signal.SIGKILL
        )  # with what it has started: nobody writes to the folder any more
        process.wait()
        raise
    if process.returncode:
        lines = output.decode(errors="replace").strip().splitlines()
        why = next(
            (line for line in lines if "error" in line.lower()), lines[-1] if lines else "no reason given"
        )
        raise OSError(
            f"uv cannot be had from PyPI ({why.strip()}): check the network, and PIP_INDEX_URL if PyPI has a mirror"
        )
