"""One running copy of a workload: its process and, in the mesh, its sidecar."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from runtime.api import WorkloadStatus
from runtime.manifests import Manifest, Probe

from localmesh.process import Process
from localmesh.sidecar import Proxy

START_LIMIT = 40.0


@dataclass(slots=True)
class Replica:
    manifest: Manifest
    version: str
    number: int
    slot: int
    ip: str
    app: Process
    is_ready: Callable[[], Awaitable[bool]]
    publish: Callable[[bool], Awaitable[None]]
    answers: Callable[[float], Awaitable[bool]]  # the process itself, asked directly, within so many seconds
    proxy: Proxy | None = None
    proxy_process: Process | None = None
    state: str = "starting"
    _again: asyncio.Task[None] | None = None
    _probes: list[asyncio.Task[None]] = field(default_factory=list)
    _published: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def processes(self) -> list[Process]:
        return [self.app] if self.proxy_process is None else [self.app, self.proxy_process]

    def watch(self) -> None:
        """From now on a process that dies, or that the manifest's readiness probe finds silent, takes the replica out
        of its neighbours' sight until it is back; one that the liveness probe finds silent is killed, and started anew.
        """
        for process in self.processes:
            process.on_exit = self._handle_loss
        self._probes = [
            asyncio.create_task(self._probe("readiness", self.manifest.readiness, self._handle_loss)),
            asyncio.create_task(self._probe("liveness", self.manifest.liveness, self.app.kill)),
        ]

    async def _probe(self, name: str, probe: Probe, act: Callable[[], None]) -> None:
        failed = 0
        while True:
            await asyncio.sleep(probe.period)
            failed = 0 if await self.answers(probe.timeout) else failed + 1
            if failed == probe.failures:
                self.app.events.add("silent", self.app.name, f"the {name} probe has failed {failed} times")
                act()
                failed = 0

    async def become_ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + START_LIMIT
        while not await self.is_ready():
            for process in self.processes:
                process.check_alive()
            if asyncio.get_running_loop().time() > deadline:
                raise self.app.failed(f"does not serve after {START_LIMIT:g} s")
            await asyncio.sleep(0.03)
        await self._show(True)
        self.state = "ready"

    async def _show(self, visible: bool) -> None:
        async with self._lock:
            if visible != self._published:
                await self.publish(visible)
                self._published = visible

    def _handle_loss(self) -> None:
        if self.state != "stopping":
            self.state = "failing"
            if self._again is None or self._again.done():
                self._again = asyncio.create_task(self._recover())

    async def _recover(self) -> None:
        await self._show(False)
        while self.state == "failing":
            await asyncio.sleep(0.03)
            if await self.is_ready():
                await self._show(True)
                self.state = "ready"

    async def stop(self, *, tell: bool = True) -> None:
        self.state = "stopping"
        for probe in self._probes:
            probe.cancel()
        if self._again is not None:
            self._again.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._again
        if tell:
            await self._show(False)
        await self.app.stop()
        if self.proxy_process is not None:
            await self.proxy_process.stop()

    def status(self) -> WorkloadStatus:
        restarts = sum(p.restarts for p in self.processes)
        ready = self.state == "ready"
        return WorkloadStatus(
            self.manifest.name,
            self.version,
            self.number,
            self.state,
            self.app.pid,
            ready,
            restarts,
            self.ip,
            f"{self.ip} {self.app.pid}",
        )
