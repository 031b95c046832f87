"""Which runtime: kind where a Docker engine answers, else local; RUNTIME overrides it."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

from localmesh import LocalRuntime, network
from localmesh.relay import always, relayed
from runtime.api import NotRunning, Runtime, RuntimeFailure
from runtime.cluster import ClusterRuntime
from runtime.cluster.kubectl import current_context
from runtime.manifests import ROOT

from cli.settings import Settings

KIND = os.environ.get("KIND_NAME", "figtree")
ENGINE_LIMIT = 10.0


async def up(settings: Settings, tell: Callable[[str], None]) -> Runtime:
    chosen, why = _choose(settings)
    if chosen == "local":
        private = _is_private(settings)
        tell(
            f"runtime local ({why}): processes on this machine, mesh {settings.mesh},"
            f" network {'private' if private else 'shared'}; nothing is installed system-wide"
        )
        return await _up_locally(settings, private, tell)
    if settings.mesh == "off":
        raise ValueError("MESH=off is for the local runtime; on a cluster every pod has a sidecar")
    if chosen == "kind" and not _kind_has_cluster():
        tell("kind has no cluster yet: `make cluster images` first, which takes minutes")
        await _script("cluster", "up")
        await _script("images")
    context = _context(chosen)
    tell(f"runtime {chosen} ({why}): pods in the cluster of context {context}")
    return await ClusterRuntime.up(context, tell)


async def _up_locally(settings: Settings, private: bool, tell: Callable[[str], None]) -> Runtime:
    name = settings.figtree_name
    async with _own_threads():
        runtime = await LocalRuntime.up(
            name, settings.mesh == "on", progress=tell, page="dashboard.server.app:Page", private=private
        )
    network.enter(name)
    return runtime


def _is_private(settings: Settings) -> bool:
    """Raises RuntimeFailure if that is asked for and cannot be had."""
    if settings.mesh_network == "shared":
        return False
    if not (allowed := network.available()) and settings.mesh_network == "private":
        raise RuntimeFailure(
            "MESH_NETWORK=private: this machine allows its users no network namespaces; leave it out, or see"
            " docs/troubleshooting.md"
        )
    return allowed


@contextlib.asynccontextmanager
async def _own_threads() -> AsyncIterator[None]:
    """The threads that asyncio.to_thread starts in the block end with it: only a process of one thread can enter a
    namespace."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor() as threads:
        loop.set_default_executor(threads)
        yield
    loop.set_default_executor(ThreadPoolExecutor())


def enter(settings: Settings) -> bool:
    """Join the network of the local instance that `connect` would find; False if it has none of its own."""
    return settings.runtime in ("auto", "local") and network.enter(settings.figtree_name)


def enter_publishing(
    settings: Settings, port: int
) -> tuple[int, contextlib.AbstractAsyncContextManager[None]]:
    """Join it, but let what will listen on this port of 127.0.0.1 be found by the machine; 0 is any free one.

    The port, and a context in which it is so. Raises OSError if the port is taken.
    """
    listener = socket.create_server(("127.0.0.1", port))
    port = listener.getsockname()[1]
    if enter(settings):
        return port, relayed(listener, always(f"127.0.0.1:{port}"))
    listener.close()
    return port, contextlib.nullcontext()


def found(settings: Settings) -> bool:
    """Whether `up` goes on with a local instance that is there already."""
    return LocalRuntime.exists(settings.figtree_name) and _choose(settings)[0] == "local"


async def connect(settings: Settings) -> Runtime:
    """What is running already, or NotRunning; left to choose, the local one comes first."""
    if settings.runtime in ("auto", "local"):
        try:
            return await LocalRuntime.connect(settings.figtree_name)
        except NotRunning:
            if settings.runtime == "local" or _choose(settings)[0] == "local" or not _kind_has_cluster():
                raise
    return await ClusterRuntime.connect(_context("current" if settings.runtime == "current" else "kind"))


async def forgotten(settings: Settings) -> str | None:
    """The name of the local instance if its supervisor was killed: what it left is then removed."""
    name = settings.figtree_name
    local = settings.runtime in ("auto", "local") and await asyncio.to_thread(LocalRuntime.forget, name)
    return name if local else None


def _choose(settings: Settings) -> tuple[str, str]:
    """And why."""
    if settings.runtime != "auto":
        return settings.runtime, f"RUNTIME={settings.runtime}"
    if settings.mesh == "off":
        return "local", "MESH=off"
    for program in ("docker", "kind", "kubectl"):
        if shutil.which(program) is None:
            return "local", f"there is no {program} on the PATH"
    if not _answers(["docker", "info"]):
        return "local", "no Docker engine answers"
    return "kind", "a Docker engine answers, and kind is there"


def _context(chosen: str) -> str:
    return f"kind-{KIND}" if chosen == "kind" else current_context()


def _answers(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=ENGINE_LIMIT)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _kind_has_cluster() -> bool:
    return _answers(["kubectl", "--context", f"kind-{KIND}", "get", "--raw", "/readyz"])


async def _script(name: str, *args: str) -> None:
    script, env = ROOT / "k8s" / "scripts" / name, os.environ | {"RUNTIME": "kind"}
    process = await asyncio.create_subprocess_exec(str(script), *args, env=env)
    if await process.wait():
        raise RuntimeFailure(f"k8s/scripts/{name} {' '.join(args)}".rstrip() + " failed")
