"""What the supervisor does for its clients; every public method can be called by name over its socket."""

import asyncio
import dataclasses
import os
from pathlib import Path
from typing import Any

import psutil
from runtime.api import NeedsMesh, NotRunning
from telemetry.edges import read, summed
from telemetry.figures import Figures
from telemetry.spans import SpanStore

from localmesh import proxyless
from localmesh.events import Events
from localmesh.fleet import Fleet
from localmesh.infrastructure import Infrastructure
from localmesh.instance import Instance
from localmesh.mesh_config import MeshConfig
from localmesh.process import Process, tail
from localmesh.replica import Replica
from localmesh.sidecar import Proxy

GRPC = 50051  # every service's port


class Control:
    def __init__(
        self,
        instance: Instance,
        infrastructure: Infrastructure,
        fleet: Fleet,
        events: Events,
        spans: SpanStore,
        figures: Figures,
    ) -> None:
        self._instance = instance
        self._spans = spans
        self._figures = figures
        self._infra = infrastructure
        self._fleet = fleet
        self._events = events
        self.ready = False
        self.failure = ""
        self.ended = asyncio.Event()

    async def info(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "name": self._instance.name, "mesh": self._instance.mesh, "ready": self.ready, "failure": self.failure,
            "block": self._instance.block, "edge_port": self._instance.edge_port, "ports": self._instance.ports,
            "page_port": self._instance.page_port,
        }  # fmt: skip

    async def workloads(self) -> list[dict[str, Any]]:
        return [dataclasses.asdict(replica.status()) for replica in self._fleet.all()]

    async def start(self, workload: str, replicas: int, version: str, env: dict[str, str]) -> None:
        await self._fleet.start(workload, replicas, version, env)

    async def stop(self, workload: str, version: str | None) -> None:
        await self._fleet.stop(workload, version)

    async def scale(self, workload: str, replicas: int, version: str) -> None:
        await self._fleet.scale(workload, replicas, version)

    async def restart(self, workload: str, env: dict[str, str] | None) -> None:
        await self._fleet.restart(workload, env)

    async def kill(self, workload: str, part: str, replica: int) -> None:
        self._process(workload, part, replica).kill()

    async def stop_infrastructure(self, name: str) -> None:
        await self._infra.take_away(name)

    async def start_infrastructure(self, name: str) -> None:
        await self._infra.bring_back(name)

    async def nats_url(self) -> str:
        return self._infra.nats.url

    def _process(self, workload: str, part: str, replica: int = 0) -> Process:
        infrastructure = self._infra.processes()
        if workload in infrastructure:
            process = infrastructure[workload]
            if process is None:
                raise NeedsMesh(f"there is no {workload} without the mesh (MESH=off)")
            return process
        running = self._fleet.replicas(workload)
        if replica >= len(running):
            raise NotRunning(f"{workload} has {len(running)} replicas")
        chosen = running[replica]
        if part == "app":
            return chosen.app
        if chosen.proxy_process is None:
            raise NeedsMesh("there are no sidecars without the mesh (MESH=off)")
        return chosen.proxy_process

    def _config(self) -> MeshConfig:
        if self._infra.config is None:
            raise NeedsMesh("manifests of the mesh cannot be applied without it (MESH=off)")
        return self._infra.config

    async def apply(self, paths: list[str]) -> None:
        await self._config().apply([Path(path) for path in paths])

    async def delete(self, paths: list[str]) -> None:
        await self._config().delete([Path(path) for path in paths])

    async def applied(self) -> dict[str, str]:
        config = self._infra.config
        return {name: str(path) for name, path in config.sources.items()} if config else {}

    async def in_force(self) -> dict[str, Any]:
        return await self._config().in_force()

    async def address(self, workload: str) -> str:
        replica = self._first(workload)
        return f"{replica.ip}:{self._infra.port(replica.manifest)}"

    async def egress(self, workload: str) -> str:
        if self._infra.config is None:
            raise NeedsMesh("there are no sidecars without the mesh (MESH=off)")
        return f"{self._fleet.egress(self._first(workload).slot)}:{GRPC}"

    async def xds_bootstrap(self, account: str) -> str:
        if self._infra.istiod is None:
            raise NeedsMesh("there is nothing to take part in without the mesh (MESH=off)")
        return str(proxyless.prepare(self._infra.istiod, self._infra.identity, account))

    def _first(self, workload: str) -> Replica:
        running = self._fleet.replicas(workload)
        if not running:
            raise NotRunning(f"{workload} is not running")
        return running[0]

    async def database_url(self, workload: str) -> str:
        return (await self._fleet.environment(workload)).get("DATABASE_URL", "")

    async def user_token(self, user: str, audience: str, seconds: float) -> str:
        return self._infra.identity.user_token(user, audience, seconds)

    async def command(self, workload: str, args: list[str]) -> dict[str, Any]:
        command, env = await self._fleet.command(workload, args)
        return {"command": command, "env": env}

    async def admin_url(self, database: str) -> str:
        return self._infra.postgres.admin_url(database)

    async def replication_conninfo(self, database: str) -> str:
        return self._infra.postgres.conninfo(database)

    async def logs(self, workload: str, part: str, lines: int) -> list[str]:
        running = self._fleet.replicas(workload)
        if not running:
            log = (
                self._process(workload, part).log
                if workload in self._infra.processes()
                else self._infra.log(workload)
            )
            return await asyncio.to_thread(tail, log, lines)
        logs = [self._process(workload, part, number).log for number in range(len(running))]
        text = [line for log in logs for line in await asyncio.to_thread(tail, log, lines)]
        return text[-lines:]

    def _proxies(self, workload: str) -> list[Proxy]:
        if self._infra.ingress is None:
            raise NeedsMesh("there are no proxies without the mesh (MESH=off)")
        if workload == "ingress":
            return [self._infra.ingress]
        return [r.proxy for r in self._fleet.replicas(workload) if r.proxy is not None]

    async def counters(self, workload: str, prefix: str, matching: str) -> dict[str, float]:
        total: dict[str, float] = {}
        for proxy in self._proxies(workload):
            for name, value in (await proxy.admin.statistics(prefix, matching)).items():
                total[name] = total.get(name, 0.0) + value
        return total

    async def proxy_config(self, workload: str) -> dict[str, Any]:
        proxies = self._proxies(workload)
        if not proxies:
            raise NotRunning(f"{workload} is not running")
        return await proxies[0].admin.config()

    async def edges(self) -> list[dict[str, Any]]:
        if self._infra.ingress is None:
            raise NeedsMesh("nobody counts the calls without the mesh (MESH=off)")
        proxies = (self._infra.ingress, *(r.proxy for r in self._fleet.all()))
        texts = await asyncio.gather(
            *(proxy.admin.prometheus("istio.request") for proxy in proxies if proxy is not None),
            return_exceptions=True,
        )
        counted = [read(text) for text in texts if isinstance(text, str)]  # one may just be restarting
        return [dataclasses.asdict(edge) for edge in summed(counted)]

    async def report(self, name: str, value: float, labels: dict[str, str]) -> None:
        self._figures.report(name, value, labels)

    async def telemetry(self) -> str:
        return self._infra.collector

    async def trace(self, trace_id: str) -> list[dict[str, Any]]:
        return [dataclasses.asdict(span) for span in self._spans.trace(trace_id)]

    async def traces(self, order_id: str, limit: int) -> list[list[dict[str, Any]]]:
        found = self._spans.of_order(order_id)[:limit] if order_id else self._spans.recent(limit)
        return [[dataclasses.asdict(span) for span in spans] for spans in found]

    async def proxy_certificate(self, workload: str) -> dict[str, Any]:
        proxies = self._proxies(workload)
        if not proxies:
            raise NotRunning(f"{workload} is not running")
        certificate = await proxies[0].admin.certificate()
        return {"spiffe_id": certificate.spiffe_id, "expires": certificate.expires.isoformat()}

    async def rejected_updates(self) -> dict[str, int]:
        if self._infra.ingress is None:
            return {}
        rejected = {}
        for proxy in (self._infra.ingress, *(r.proxy for r in self._fleet.all())):
            if proxy is not None:
                statistics = await proxy.admin.statistics("update_rejected")
                rejected[proxy.name] = int(sum(statistics.values()))
        return rejected

    async def memory(self) -> dict[str, int]:
        return await asyncio.to_thread(self._memory)

    def _memory(self) -> dict[str, int]:
        us = psutil.Process()
        usage = {"supervisor": us.memory_full_info().pss}
        owners = {p.pid: name for name, p in self._infra.processes().items() if p is not None}
        owners[self._infra.prefork.pid] = "prefork"
        for replica in self._fleet.all():
            owners |= {p.pid: p.name for p in replica.processes}
        for pid, name in owners.items():
            if pid is None:
                continue
            try:
                main = psutil.Process(pid)
                usage[name] = main.memory_full_info().pss
                for child in main.children(recursive=True):
                    label = f"{name} {child.name()}"
                    usage[label] = usage.get(label, 0) + child.memory_full_info().pss
            except psutil.Error:
                continue
        return usage

    async def cpu(self) -> dict[str, float]:
        used: dict[str, float] = {}
        for replica in self._fleet.all():
            name = replica.manifest.name
            used[name] = used.get(name, 0.0) + sum(_cpu_of(p.pid) for p in replica.processes)
        return used

    async def events(self, since: int) -> list[dict[str, Any]]:
        return [dataclasses.asdict(event) for event in self._events.since(since)]

    async def down(self) -> None:
        self.ended.set()


def _cpu_of(pid: int | None) -> float:
    """Seconds, of the process and of its children."""
    if pid is None:
        return 0.0
    try:
        main = psutil.Process(pid)
        family = (main, *main.children(recursive=True))
        return float(sum(sum(process.cpu_times()[:2]) for process in family))
    except psutil.Error:
        return 0.0
