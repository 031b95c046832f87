"""How istiod and pilot-agent are compiled, and a compilation that begins while Python's packages are installed."""

import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from typing import Any, Dict, List

from machine import programs
from machine.folders import ROOT, cache

MODULE = os.path.join(ROOT, "demo", "localmesh", "istio")
COMMANDS = ("istio.io/istio/pilot/cmd/pilot-agent", "istio.io/istio/pilot/cmd/pilot-discovery")
# Those of Istio's releases: without Envoy's validators, which istiod does not call, and gRPC's own tracing.
TAGS = "disable_pgv,grpcnotrace,retrynotrace"
LOCK, LOG, PART = ".lock", "compiling.log", "compiled.new"
SET_PDEATHSIG = 1


def istio_version() -> str:
    with open(os.path.join(MODULE, "go.mod"), encoding="utf-8") as file:
        found = re.search(r"^\s*istio\.io/istio (\S+)", file.read(), re.MULTILINE)
    assert found is not None
    return found.group(1)


def folder() -> str:
    return os.path.join(str(cache()), "istio-" + istio_version())


def go_environment() -> Dict[str, str]:
    """For Go's commands; its modules go into the cache where there is no home that can be written to."""
    env = dict(os.environ, CGO_ENABLED="0", GOTOOLCHAIN="local", GOWORK="off", GOFLAGS="-mod=readonly")
    home = os.environ.get("HOME")
    if not (home and os.access(home, os.W_OK)):
        env.setdefault("GOMODCACHE", os.path.join(str(cache()), "go-modules"))
        env.setdefault("GOENV", "off")
    return env


def begin_build(go: str, place: str) -> "subprocess.Popen[bytes]":
    """Both in one command, as they share most packages; each is linked when its own are there, the agent long before
    istiod, so that the 2.2 GB of istiod's linker are needed once."""
    part = os.path.join(place, PART)
    shutil.rmtree(part, ignore_errors=True)
    os.mkdir(part)
    with open(os.path.join(place, LOG), "wb") as log:
        return subprocess.Popen(
            [go, "build", "-v", "-trimpath", "-tags", TAGS, "-ldflags", "-s -w", "-o", part + "/", *COMMANDS],
            cwd=MODULE,
            env=go_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            preexec_fn=end_with_parent,
            start_new_session=True,
        )


def interrupt(build: "subprocess.Popen[Any]") -> None:
    """Go and its compilers: Go removes its folder when they have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(build.pid, signal.SIGINT)


def end_build(place: str, whole: bool) -> None:
    """What a whole build has made is put in its place, anything else is removed."""
    part = os.path.join(place, PART)
    for name in os.listdir(part) if whole else ():
        os.replace(os.path.join(part, name), os.path.join(place, name))
    shutil.rmtree(part, ignore_errors=True)


def names() -> List[str]:
    return [command.rsplit("/", 1)[1] for command in COMMANDS]


def begin(make: int) -> None:
    """Where Go is there: in a process that ends with the process `make`; Ctrl-C reaches it too."""
    go = programs.go()
    if go is None or go < programs.GO:
        return
    subprocess.Popen(
        [sys.executable, "-m", "machine", "--compile", str(make)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def ahead(make: int) -> None:
    """Leaves the programs to localmesh.istio_binaries, which sees to the rest."""
    place = folder()
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, LOCK), "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return  # another process compiles
        if all(os.path.exists(os.path.join(place, name)) for name in names()):
            return
        build = None
        try:
            build = begin_build(str(shutil.which("go")), place)
            while build.poll() is None and _runs(make):
                time.sleep(0.2)
        finally:
            if build is not None and build.poll() is None:
                interrupt(build)
            end_build(place, build is not None and build.wait() == 0)


def under_way() -> bool:
    """Whether a process compiles."""
    try:
        with open(os.path.join(folder(), LOCK), encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _runs(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end_with_parent() -> None:
    """Before Go runs: it ends with its parent, and heeds SIGINT even where make runs in the background of a script."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
