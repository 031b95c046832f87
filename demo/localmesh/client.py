"""The local runtime as its users see it: a connection to the supervisor."""

import asyncio
import contextlib
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import httpx
import psutil
from machine import compiling, limits, system
from machine.fetches import compiled
from runtime import api as runtime
from runtime.api import (
    Certificate,
    CommandFailed,
    Event,
    Infrastructure,
    NotRunning,
    Part,
    RuntimeFailure,
    StartFailed,
    WorkloadStatus,
)
from runtime.manifests import workloads
from telemetry.edges import EdgeCounters
from telemetry.spans import Span

from localmesh.fleet import FIRST_IP
from localmesh.instance import MARKER, directory_of
from localmesh.istio_binaries import Binaries
from localmesh.leftovers import end_leftovers, is_supervised
from localmesh.process import tail

Progress = Callable[[str], None]
UP_LIMIT = 60.0
GRACE = 1.0  # until a supervisor that was started holds its lock
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # a client's own context costs 15 ms of CPU


class LocalRuntime:
    """Processes on this machine under one supervisor; made by `up` or `connect`."""

    capabilities: frozenset[str] = frozenset()

    def __init__(self, name: str, info: dict[str, Any]) -> None:
        self.name = name
        self.mesh: bool = info["mesh"]
        self._info = info

    @classmethod
    async def up(
        cls, name: str = "demo", mesh: bool = True, progress: Progress = lambda _: None, page: str = ""
    ) -> Self:
        """Start the infrastructure, or connect if it runs already. Compiles istiod if that was never done.

        `page` is MODULE:NAME of the page that the supervisor serves (localmesh.page); "" serves none.
        """
        if not is_supervised(directory_of(name)):
            _refuse_what_cannot_run(mesh)
        if mesh:
            await _compiled(progress)
        try:
            info = await _call(name, "info", {})
        except NotRunning:
            return cls(name, await _launched(name, mesh, progress, page))
        else:
            if info["mesh"] != mesh:
                raise RuntimeFailure(
                    f"{name} is running {'with' if info['mesh'] else 'without'} the mesh: stop it first"
                )
        return cls(name, await _until_ready(name, progress))

    @classmethod
    async def connect(cls, name: str = "demo") -> Self:
        """To one that runs or is just starting."""
        if not await asyncio.to_thread(is_supervised, directory_of(name)):
            raise NotRunning(f"{name} is not running: start it with `figtree up`")
        return cls(name, await _until_ready(name, lambda _: None))

    async def _call(self, method: str, **arguments: Any) -> Any:
        return await _call(self.name, method, arguments)

    def edge(self) -> str:
        if self.mesh:
            return f"http://127.0.0.1:{self._info['edge_port']}"
        workload = "gateway" if self._is_up("gateway") else "monolith"
        return f"http://{self._own_address(workload)}"

    def page(self) -> str:
        return f"http://127.0.0.1:{self._info['page_port']}"

    def _own_address(self, workload: str) -> str:
        last = FIRST_IP + workloads().index(workload)
        return f"{self._info['block']}.{last}:{self._info['ports']['http']}"

    def _is_up(self, workload: str) -> bool:
        try:
            return httpx.get(
                f"http://{self._own_address(workload)}/healthz", trust_env=False, timeout=1
            ).is_success
        except httpx.TransportError:
            return False

    async def workloads(self) -> list[WorkloadStatus]:
        return [WorkloadStatus(**status) for status in await self._call("workloads")]

    async def start(
        self, workload: str, *, replicas: int = 1, version: str = "v1", env: Mapping[str, str] | None = None
    ) -> None:
        await self._call("start", workload=workload, replicas=replicas, version=version, env=dict(env or {}))

    async def stop(self, workload: str, *, version: str | None = None) -> None:
        await self._call("stop", workload=workload, version=version)

    async def scale(self, workload: str, replicas: int, *, version: str = "v1") -> None:
        await self._call("scale", workload=workload, replicas=replicas, version=version)

    async def autoscaling(self, on: bool, *workloads: str) -> None:
        """Nothing scales by itself here."""

    async def restart(self, workload: str, *, env: Mapping[str, str] | None = None) -> None:
        await self._call("restart", workload=workload, env=None if env is None else dict(env))

    async def kill(self, workload: str, part: Part = "app", replica: int = 0) -> None:
        await self._call("kill", workload=workload, part=part, replica=replica)

    async def stop_infrastructure(self, name: Infrastructure) -> None:
        await self._call("stop_infrastructure", name=name)

    async def start_infrastructure(self, name: Infrastructure) -> None:
        await self._call("start_infrastructure", name=name)

    async def nats_url(self) -> str:
        url: str = await self._call("nats_url")
        return url

    async def apply(self, paths: Sequence[Path]) -> None:
        await self._call("apply", paths=[str(path.resolve()) for path in paths])

    async def delete(self, paths: Sequence[Path]) -> None:
        await self._call("delete", paths=[str(path.resolve()) for path in paths])

    async def applied(self) -> dict[str, Path]:
        return {name: Path(path) for name, path in (await self._call("applied")).items()}

    async def in_force(self) -> dict[str, dict[str, Any]]:
        objects: dict[str, dict[str, Any]] = await self._call("in_force")
        return objects

    async def address(self, workload: str) -> str:
        address: str = await self._call("address", workload=workload)
        return address

    async def egress(self, workload: str) -> str:
        host: str = await self._call("egress", workload=workload)
        return host

    async def run_proxyless(self, account: str, script: Path, *args: str) -> str:
        bootstrap = await self._call("xds_bootstrap", account=account)
        env = os.environ | {"GRPC_XDS_BOOTSTRAP": bootstrap}
        return await _run([sys.executable, str(script), *args], env)

    async def database_url(self, workload: str) -> str:
        url: str = await self._call("database_url", workload=workload)
        return url

    async def user_token(self, user: str, *, audience: str = "figtree", seconds: float = 300.0) -> str:
        token: str = await self._call("user_token", user=user, audience=audience, seconds=seconds)
        return token

    async def run(self, workload: str, *args: str, stdin: bytes = b"") -> str:
        how = await self._call("command", workload=workload, args=list(args))
        return await _run(how["command"], how["env"], stdin)

    async def admin_url(self, database: str) -> str:
        url: str = await self._call("admin_url", database=database)
        return url

    async def replication_conninfo(self, database: str) -> str:
        conninfo: str = await self._call("replication_conninfo", database=database)
        return conninfo

    async def logs(self, workload: str, part: Part = "app", lines: int = 100) -> list[str]:
        text: list[str] = await self._call("logs", workload=workload, part=part, lines=lines)
        return text

    async def database_log(self, database: str, lines: int) -> list[str]:
        return await self.logs("postgres", lines=lines)

    async def counters(self, workload: str, prefix: str = "", *, matching: str = "") -> dict[str, float]:
        counters: dict[str, float] = await self._call(
            "counters", workload=workload, prefix=prefix, matching=matching
        )
        return counters

    async def proxy_config(self, workload: str) -> dict[str, Any]:
        config: dict[str, Any] = await self._call("proxy_config", workload=workload)
        return config

    async def edges(self) -> list[EdgeCounters]:
        return [EdgeCounters.of(edge) for edge in await self._call("edges")]

    async def report(self, name: str, value: float, **labels: str) -> None:
        await self._call("report", name=name, value=value, labels=labels)

    async def telemetry(self) -> str:
        url: str = await self._call("telemetry")
        return url

    async def trace(self, trace_id: str) -> list[Span]:
        return [Span(**span) for span in await self._call("trace", trace_id=trace_id)]

    async def traces(self, order_id: str = "", limit: int = 20) -> list[list[Span]]:
        found = await self._call("traces", order_id=order_id, limit=limit)
        return [[Span(**span) for span in spans] for spans in found]

    async def proxy_certificate(self, workload: str) -> Certificate:
        found = await self._call("proxy_certificate", workload=workload)
        return Certificate(found["spiffe_id"], datetime.fromisoformat(found["expires"]))

    async def rejected_updates(self) -> dict[str, int]:
        rejected: dict[str, int] = await self._call("rejected_updates")
        return rejected

    async def memory(self) -> dict[str, int]:
        memory: dict[str, int] = await self._call("memory")
        return memory

    async def cpu(self) -> dict[str, float]:
        seconds: dict[str, float] = await self._call("cpu")
        return seconds

    async def events(self, since: int = 0) -> list[Event]:
        return [Event(**event) for event in await self._call("events", since=since)]

    @staticmethod
    def forget(name: str) -> bool:
        """Remove what a killed supervisor has left; False if there is nothing, or if one is there."""
        root = directory_of(name)
        if is_supervised(root) or not root.exists():
            return False
        end_leftovers(root)
        shutil.rmtree(root)
        return True

    async def down(self) -> None:
        """Stop everything; ends when nothing is left."""
        pid = (await self._call("info"))["pid"]
        try:
            supervisor = psutil.Process(pid)
        except psutil.NoSuchProcess:
            return
        await self._call("down")
        root = directory_of(self.name)
        for _ in range(900):
            if not root.exists() and not supervisor.is_running():
                return
            await asyncio.sleep(0.05)
        raise RuntimeFailure(f"{self.name} did not stop: see {root}/supervisor.log")


async def _run(command: Sequence[str], env: Mapping[str, str], stdin: bytes = b"") -> str:
    process = await asyncio.create_subprocess_exec(
        *command, env=env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        output, errors = await process.communicate(stdin)
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        text = errors.decode(errors="replace").strip()
        raise CommandFailed(text or f"{' '.join(command)}: status {process.returncode}")
    return output.decode()


async def _launched(name: str, mesh: bool, progress: Progress, page: str) -> dict[str, Any]:
    """Ready, or gone again where this is cancelled."""
    launching = asyncio.ensure_future(asyncio.to_thread(_launch, name, mesh, page))
    try:
        await asyncio.shield(launching)
        return await _until_ready(name, progress)
    except asyncio.CancelledError:
        await launching
        begun = time.monotonic()
        while (waited := time.monotonic() - begun) < UP_LIMIT:
            if waited > GRACE and not is_supervised(directory_of(name)):
                break
            with contextlib.suppress(NotRunning):  # it has no socket yet
                await _call(name, "down", {})
            await asyncio.sleep(0.05)
        raise


async def _compiled(progress: Progress) -> None:
    binaries = Binaries()
    try:
        await asyncio.to_thread(binaries.ensure, progress)
    except asyncio.CancelledError:
        binaries.interrupt()
        raise


def _refuse_what_cannot_run(mesh: bool) -> None:
    """Before anything is compiled or started. Raises RuntimeFailure."""
    problems = system.problems(local=True)
    if mesh and not problems:
        problems = limits.problems(compiling=not compiled() and not compiling.under_way())
    if problems:
        raise RuntimeFailure("; and ".join(map(str, problems)))


def _launch(name: str, mesh: bool, page: str) -> None:
    root = directory_of(name)
    root.mkdir(mode=0o711, exist_ok=True)
    with (root / "supervisor.log").open("wb") as log:
        command = [
            sys.executable,
            "-m",
            "localmesh.supervisor",
            name,
            *([] if mesh else ["--no-mesh"]),
            *([f"--page={page}"] if page else []),
        ]
        env = os.environ | {MARKER: str(root), "MALLOC_ARENA_MAX": "2"}
        subprocess.run(  # noqa: S603
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=True,
        )


async def _until_ready(name: str, progress: Progress) -> dict[str, Any]:
    seen, begun = 0, time.monotonic()
    while time.monotonic() - begun < UP_LIMIT:
        await asyncio.sleep(0.05)
        try:
            info: dict[str, Any] = await _call(name, "info", {})
            events = await _call(name, "events", {"since": seen})
        except NotRunning:
            _check_begins(name, time.monotonic() - begun)
            continue
        for event in events:
            seen = event["sequence"]
            if event["kind"] == "ready":
                progress(f"{event['subject']} is ready")
            elif event["kind"] == "resumed":
                progress(
                    f"{name} was killed: it goes on with the databases, the routes and {event['message']};"
                    " to begin anew, `figtree down` first"
                )
        if info["failure"]:
            await _call(name, "down", {})
            raise StartFailed(info["failure"])
        if info["ready"]:
            return info
    raise StartFailed(f"{name} is not ready after {UP_LIMIT:g} s: see {directory_of(name)}/supervisor.log")


def _check_begins(name: str, waited: float) -> None:
    """A supervisor without a socket yet must at least be there."""
    root = directory_of(name)
    if waited > 2 and not is_supervised(root):
        said = tail(root / "supervisor.log", 15)
        raise StartFailed(
            "\n".join(["the supervisor has ended" + (":" if said else " without a word"), *said])
        )


async def _call(name: str, method: str, arguments: dict[str, Any]) -> Any:
    path = directory_of(name) / "run" / "control.sock"
    transport = httpx.AsyncHTTPTransport(uds=str(path), verify=NO_TLS)
    async with httpx.AsyncClient(transport=transport, base_url="http://supervisor", timeout=180) as client:
        try:
            answer = await client.post(f"/{method}", json=arguments)
        except httpx.ConnectError:
            raise NotRunning(f"{name} is not running: start it with `figtree up`") from None
        except httpx.HTTPError as error:
            raise RuntimeFailure(
                f"the supervisor of {name} has not answered {method} ({type(error).__name__}); its log is"
                f" {directory_of(name)}/supervisor.log; try again"
            ) from None
    content = answer.json()
    if "error" in content:
        kind = getattr(runtime, content["error"], RuntimeFailure)
        raise kind(content["message"])
    return content["result"]
