"""Both sides measured: what a task costs, what it does, and when a change acts."""

import ast
import asyncio
import inspect
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import trustme
from localmesh import LocalRuntime
from runtime.calls import PORT
from runtime.manifests import ROOT

from benchmarks.library import balancing, breaker, discovery, mtls, retries, tracing
from benchmarks.rounds import Round
from benchmarks.usage import usage

ISTIO = ROOT / "istio"
CALLER, CALLEE = "gateway", "currency"
MESHED = (CALLEE, f"{CALLEE} proxy", f"{CALLER} proxy")
TRACING = ISTIO / "telemetry" / "mesh-wide.yaml"
SHARE = "Percentage: 10"
OUTLIER = ISTIO / "resilience" / "currency-outlier.yaml"
TRIED_ONCE = ISTIO / "resilience" / "currency-no-retries.yaml"
SICK = ISTIO / "chaos" / "currency-sick.yaml"
MESH = {  # what says to the mesh what a library's file says to each client
    "discovery": None,
    "balancing": None,
    "retries": ISTIO / "resilience" / "pricing-retries.yaml",
    "breaker": OUTLIER,
    "tracing": TRACING,
    "mtls": ISTIO / "mesh" / "peer-authentication.yaml",
}
MODULES: dict[str, ModuleType] = {
    "discovery": discovery,
    "balancing": balancing,
    "retries": retries,
    "breaker": breaker,
    "tracing": tracing,
    "mtls": mtls,
}
PATIENCE = 10.0  # seconds in which a new instance should get its first call
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Side:
    """One way to make the calls: the client's arguments, and who works for them."""

    name: str
    arguments: tuple[str, ...]
    callees: Sequence[int] = ()  # pids
    instance: str = ""  # or these processes of an instance
    processes: tuple[str, ...] = ()
    manifests: tuple[Path, ...] = field(default_factory=tuple)  # in force meanwhile


def lines_of_code(module: ModuleType) -> int:
    """Without docstrings, comments and blank lines."""
    source = inspect.getsource(module)
    docstrings = {
        number
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for number in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#") and number not in docstrings
        for number, line in enumerate(source.splitlines(), 1)
    )


def lines_of_yaml(path: Path | None) -> int:
    """Without comments and blank lines; none where the mesh does it without being told."""
    lines = path.read_text().splitlines() if path else []
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in lines)


async def both_sides(
    without: LocalRuntime, runtime: LocalRuntime, rounds: int, seconds: float, tell: Tell
) -> dict[str, Any]:
    """Cost and effect of each task, and the lines that it takes.

    The callee of the libraries does nothing, that of the mesh is a service: so either is called directly, too.
    """
    async with AsyncExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        _issue(folder)
        ports = [18091, 18092, 18093, 18094, 18095]
        plain = [await closing.enter_async_context(_callee(port)) for port in ports[:2]]
        secret = [
            await closing.enter_async_context(_callee(port, "--certificates", str(folder)))
            for port in ports[2:4]
        ]
        await closing.enter_async_context(_callee(ports[4], "--sick"))
        one, other, secret_one, secret_other, sick = (f"127.0.0.1:{port}" for port in ports)
        environment = (await runtime.workloads.command(CALLER)).env or {}
        collector = ("--collector", environment["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces")
        certificates = ("--certificates", str(folder))

        def library(*tasks: str) -> tuple[str, ...]:
            return tuple(argument for task in tasks for argument in ("--task", task))

        through = (await runtime.mesh.egress(CALLER), "--authority", f"{CALLEE}:{PORT}")
        untraced, traced = (_with_share(folder, share) for share in (0, 100))
        sides = [
            Side("nothing", (one,), plain[:1]),
            Side("library: balancing", (f"{one},{other}", *library("balancing")), plain),
            Side("library: retries", (one, *library("retries")), plain[:1]),
            Side("library: breaker", (one, *library("breaker")), plain[:1]),
            Side("library: tracing", (one, *library("tracing"), *collector), plain[:1]),
            Side("library: mtls", (secret_one, *library("mtls"), *certificates), secret[:1]),
            Side(
                "library: all",
                (
                    f"{secret_one},{secret_other}",
                    *library("balancing", "retries", "breaker", "tracing", "mtls"),
                    *collector,
                    *certificates,
                ),
                secret,
            ),
            Side("the service", (await without.workloads.address(CALLEE),), (), without.name, (CALLEE,)),
            Side("mesh", through, (), runtime.name, MESHED, (untraced,)),
            Side("mesh: breaker", through, (), runtime.name, MESHED, (untraced, OUTLIER)),
            Side("mesh: tracing", through, (), runtime.name, MESHED, (traced,)),
        ]
        cost: dict[str, list[Round]] = {side.name: [] for side in sides}
        try:
            for number in range(rounds):
                first = number % len(sides)
                for side in [*sides[first:], *sides[:first]]:
                    seen = await _cost(runtime, side, seconds)
                    cost[side.name].append(seen)
                    tell(
                        f"{side.name:<20} {seen['us']:>7.0f} µs CPU  p50 {seen['p50']:.2f} ms  {seen['failed']} failed"
                    )
        finally:
            await runtime.mesh.apply([TRACING])
        effects = {
            "balancing": await _balanced(runtime, (f"{one},{other}", "--who"), library("balancing"), through),
            "breaker": await _broken(runtime, (f"{one},{sick}", *library("balancing", "breaker")), through),
            "discovery": await _discovered(runtime, through, tell),
        }
    return {"cost": cost, "effects": effects, "lines": _lines()}


def _lines() -> dict[str, tuple[int, int]]:
    return {task: (lines_of_code(module), lines_of_yaml(MESH[task])) for task, module in MODULES.items()}


def _issue(folder: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("callee.figtree")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(folder / "chain.pem", append=True)


def _with_share(folder: Path, share: int) -> Path:
    file = folder / f"tracing-{share}.yaml"
    file.write_text(TRACING.read_text().replace(SHARE, f"Percentage: {share}"))
    return file


@asynccontextmanager
async def _callee(port: int, *arguments: str) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.library.callee", f"127.0.0.1:{port}", *arguments
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


async def _calls(*arguments: str) -> Round:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.library.client",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"GRPC_VERBOSITY": "NONE"},
    )
    output, _ = await process.communicate()
    seen: Round = json.loads(output)
    return seen


def _worked(side: Side) -> float:
    """Seconds of CPU so far of all but the client."""
    if side.instance:
        cpu = usage(side.instance).cpu
        return sum(cpu.get(name, 0.0) for name in side.processes)
    times = [psutil.Process(pid).cpu_times() for pid in side.callees]
    return sum(one.user + one.system for one in times)


async def _cost(runtime: LocalRuntime, side: Side, seconds: float) -> Round:
    """Microseconds of CPU for a call: of the client, of all proxies, and of the callee."""
    if side.manifests:
        await runtime.mesh.apply(side.manifests)
    try:
        before = _worked(side)
        seen = await _calls(*side.arguments, "--seconds", str(seconds))
        seen["us"] = round(seen["client_us"] + 1e6 * (_worked(side) - before) / max(1, seen["calls"]), 1)
    finally:
        if OUTLIER in side.manifests:
            await runtime.mesh.delete([OUTLIER])
    return seen


@asynccontextmanager
async def _second(runtime: LocalRuntime, version: str) -> AsyncIterator[None]:
    await runtime.workloads.start(CALLEE, version=version)
    try:
        yield
    finally:
        await runtime.workloads.stop(CALLEE, version=version)


async def _received(runtime: LocalRuntime) -> dict[str, int]:
    """Calls that the caller's sidecar has sent to each version of the callee."""
    edges = [
        edge
        for edge in await runtime.telemetry.edges()
        if (edge.source, edge.destination) == (CALLER, CALLEE)
    ]
    return {edge.destination_version: edge.requests for edge in edges if edge.protocol == "grpc"}


async def _balanced(
    runtime: LocalRuntime, two: Sequence[str], task: Sequence[str], through: Sequence[str]
) -> dict[str, float]:
    """Percent of the calls that the busier one of two instances got."""

    def busier(served: dict[str, int]) -> float:
        return round(100 * max(served.values()) / sum(served.values()), 1)

    found = {
        "without": busier((await _calls(*two))["served"]),
        "library": busier((await _calls(*two, *task))["served"]),
    }
    async with _second(runtime, "second"):
        before = await _received(runtime)
        await _calls(*through)
        after = await _received(runtime)
        found["mesh"] = busier({name: count - before.get(name, 0) for name, count in after.items()})
    return found


async def _broken(runtime: LocalRuntime, sick: Sequence[str], through: Sequence[str]) -> dict[str, float]:
    """Percent of the calls that fail while one of two instances is sick, and seconds until the mesh's rule acts."""
    seen = await _calls(*sick)
    found = {"library": round(100 * seen["failed"] / seen["calls"], 1)}
    async with _second(runtime, "sick"):
        try:
            await runtime.mesh.apply([TRIED_ONCE, SICK])
            seen = await _calls(*through)
            found["without"] = round(100 * seen["failed"] / seen["calls"], 1)
            begun = time.monotonic()
            await runtime.mesh.apply([OUTLIER])
            found["seconds to apply"] = round(time.monotonic() - begun, 2)
            await _calls(*through, "--seconds", "1")  # three failures, and it is ejected
            seen = await _calls(*through)
            found["mesh"] = round(100 * seen["failed"] / seen["calls"], 1)
        finally:
            await runtime.mesh.delete([TRIED_ONCE, SICK, OUTLIER])
    return found


async def _discovered(runtime: LocalRuntime, through: Sequence[str], tell: Tell) -> dict[str, float]:
    """Seconds from a new instance's readiness to its first call from a client that was there before."""
    calling = asyncio.create_task(_calls(*through, "--seconds", str(3 * PATIENCE)))
    try:
        await asyncio.sleep(1)
        async with _second(runtime, "new"):
            begun = time.monotonic()
            while not (await _received(runtime)).get("new"):
                if time.monotonic() > begun + PATIENCE:
                    tell("the new instance got no call")
                    break
                await asyncio.sleep(0.05)
            return {"mesh": round(time.monotonic() - begun, 2)}
    finally:
        await calling
