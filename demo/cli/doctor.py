"""`figtree doctor`: what make looks at first, and the state of all that may matter; no secrets, to be pasted."""

import locale
import os
import resource
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from localmesh import network
from localmesh.istio_binaries import Binaries
from machine import folders, limits, programs, report
from machine.compiling import istio_version
from machine.needs import megabytes
from runtime.api import RuntimeFailure
from runtime.manifests import ROOT

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
NAMED = (  # their values say nothing about anybody
    "RUNTIME",
    "MESH",
    "MESH_NETWORK",
    "LOAD",
    "FIGTREE_NAME",
    "FIGTREE_HOME",
    "FIGTREE_PYTHON",
    "KIND_NAME",
    "CLUSTER_MODE",
    "XDG_CACHE_HOME",
    "TMPDIR",
    "LANG",
    "LC_ALL",
)
PRESENT = (  # a mirror's address may hold a password
    "GOPROXY",
    "GOFLAGS",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PIP_INDEX_URL",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
)
TOOLS = (
    ("docker", ["docker", "version", "--format", "client {{.Client.Version}}, engine {{.Server.Version}}"]),
    ("kind", ["kind", "version"]),
    ("kubectl", ["kubectl", "version", "--client"]),
    ("istioctl", ["istioctl", "version", "--remote=false"]),
    ("git", ["git", "--version"]),
    ("make", ["make", "--version"]),
)


def lines() -> Iterator[str]:
    """Everything but the verdict."""
    yield from _section("machine", iter(report.look("demo").lines))
    yield from _section("figtree", _figtree())
    yield from _section("caches", _caches())
    yield from _section("limits", _limits())
    yield from _section("ports", _ports())
    yield from _section("programs", _programs())
    yield from _section("environment", _environment())


def _section(name: str, found: Iterator[str]) -> Iterator[str]:
    yield f"{name}:"
    for line in found:
        yield "  " + _without_home(line).rstrip()


def _without_home(line: str) -> str:
    home = folders.home()
    return line.replace(home, "~") if home and len(home) > 1 else line


def _figtree() -> Iterator[str]:
    commit = programs.answer(["git", "-C", str(ROOT), "describe", "--always", "--dirty"]) or "not from git"
    yield f"{commit}, Python {sys.version.split()[0]} in .venv, user {'root' if os.getuid() == 0 else 'not root'}"
    folder = Path(folders.instances())
    running = sorted(folder.glob(f"figtree-{os.getuid()}-*/run/control.sock"))
    names = [path.parents[1].name.split("-", 2)[2] for path in running]
    yield f"instances running: {', '.join(names) or 'none'} (in {folder})"


def _caches() -> Iterator[str]:
    place = folders.cache()
    yield f"{place}: {megabytes(folders.free(place or '/'))} free"
    binaries = Binaries(Path(place or "/") / f"istio-{istio_version()}")
    try:
        binaries.verify()
        state = "compiled, and what it was"
    except (RuntimeFailure, OSError, ValueError) as problem:
        state = str(problem)
    yield f"istiod {istio_version()}: {state}"
    page = (ROOT / "demo" / "dashboard" / "web" / "dist" / ".figtree-built").exists()
    yield f"page: {'built' if page else 'not built'}"


def _limits() -> Iterator[str]:
    available, total = limits.memory()
    yield f"memory: {available or 0:,.0f} of {total or 0:,.0f} MB free; the local mesh needs {limits.RUNNING:,} MB"
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield f"open files: {soft} (at most {hard}); processes: {resource.getrlimit(resource.RLIMIT_NPROC)[0]}"
    if sys.platform == "linux":
        free = limits.inotify_instances(limits.INOTIFY)
        yield f"inotify instances that this user can still have: {free} of the {limits.INOTIFY} that the mesh needs"
        for name, wanted in limits.KIND:
            value = limits.sysctl(name)
            enough = value is not None and value >= wanted
            yield f"{name} = {value}" + ("" if enough else f", and kind asks for {wanted}")
    yield f"load: {os.getloadavg()[0]:.1f} on {limits.cores()} cores; umask {_umask():03o}"


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _ports() -> Iterator[str]:
    for port, use in ((7070, "page"), (8080, "edge"), (8089, "Locust"), (30080, "edge on kind")):
        with socket.socket() as probe:
            probe.settimeout(0.3)
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        yield f"{port} ({use}): {'somebody listens' if taken else 'free'}"
    allowed = network.available()
    yield f"a network of its own for the local mesh: {'allowed' if allowed else 'not allowed on this machine'}"
    first = socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)[0][4][0]
    yield f"localhost is {first} first; IPv6 is {'on' if Path('/proc/net/if_inet6').exists() else 'off'}"


def _programs() -> Iterator[str]:
    for name, command in TOOLS:
        version = programs.answer(command, 5)
        silent = "does not answer" if shutil.which(name) else "none"
        yield f"{name}: {version.splitlines()[0] if version else silent}"


def _environment() -> Iterator[str]:
    for name in PROXIES:
        given = [spelling for spelling in (name, name.upper()) if os.environ.get(spelling)]
        if given:
            yield f"{', '.join(given)}: set"
    for name in NAMED:
        if os.environ.get(name):
            yield f"{name}={os.environ[name]}"
    for name in PRESENT:
        if os.environ.get(name):
            yield f"{name}: set"
    yield f"encoding {locale.getpreferredencoding(False)}, file system {sys.getfilesystemencoding()}"
