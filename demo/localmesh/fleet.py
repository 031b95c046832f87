"""The workloads of an instance (runtime.api.Workloads)."""

import asyncio
import functools
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from runtime.api import Command, CommandFailed, NeedsMesh, NotRunning, RuntimeFailure, WorkloadStatus
from runtime.manifests import NAMESPACE, Manifest, manifest, service, workloads
from runtime.mesh_objects import key

from localmesh import objects, probe
from localmesh.builds import Builds
from localmesh.go_services import service_of
from localmesh.infrastructure import PYTHON, Infrastructure
from localmesh.localise import NEIGHBOURS, localised
from localmesh.process import Process, Spawn
from localmesh.replica import Replica
from localmesh.resume import Wanted

SLOTS = range(90)
REPLACED = "FIGTREE_COMMANDS"  # a folder with other commands of the same names
FIRST_IP, FIRST_EGRESS = 10, 110
METRICS_PORT = 9464


class Fleet:
    def __init__(self, infrastructure: Infrastructure) -> None:
        self._infra = infrastructure
        self._replicas: list[Replica] = []
        self._extra: dict[tuple[str, str], dict[str, str]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._builds = Builds()
        self.changed: Callable[[], None] = lambda: None  # called whenever other workloads are wanted
        infrastructure.sidecars = lambda: [r.proxy for r in self._replicas if r.proxy is not None]

    @property
    def _spawn(self) -> Spawn | None:
        return None if REPLACED in os.environ else self._infra.prefork.spawn

    def replicas(self, workload: str, version: str | None = None) -> list[Replica]:
        found = [r for r in self._replicas if r.manifest.name == workload and version in (None, r.version)]
        return sorted(found, key=lambda r: (r.version, r.number))

    def all(self) -> list[Replica]:
        return list(self._replicas)

    def wanted(self) -> list[Wanted]:
        """What runs now, so that another supervisor can start it again."""
        counts = Counter((r.manifest.name, r.version) for r in self._replicas)
        return [
            Wanted(name, version, count, self._extra.get((name, version), {}))
            for (name, version), count in counts.items()
        ]

    async def resume(self, wanted: Iterable[Wanted]) -> None:
        """Start what another supervisor has left."""
        await asyncio.gather(
            *(self.start(w.workload, replicas=w.replicas, version=w.version, env=w.env) for w in wanted)
        )

    def first(self, workload: str) -> Replica:
        running = self.replicas(workload)
        if not running:
            raise NotRunning(f"{workload} is not running")
        return running[0]

    async def statuses(self) -> list[WorkloadStatus]:
        return [replica.status() for replica in self._replicas]

    async def address(self, workload: str) -> str:
        replica = self.first(workload)
        return f"{replica.ip}:{self._infra.port(replica.manifest)}"

    def _lock(self, workload: str) -> asyncio.Lock:
        return self._locks.setdefault(workload, asyncio.Lock())

    async def start(
        self, workload: str, *, replicas: int = 1, version: str = "v1", env: Mapping[str, str] | None = None
    ) -> None:
        described = known(workload, version)
        async with self._lock(workload):
            self._extra[workload, version] = dict(env or {})
            await self._scale(described, replicas, version, migrate=described.database)
        self.changed()

    async def prepare(self, workload: str, version: str) -> str:
        return await self._builds.look(known(workload, version))

    async def scale(self, workload: str, replicas: int, *, version: str = "v1") -> None:
        async with self._lock(workload):
            await self._scale(known(workload, version), replicas, version)
        self.changed()

    async def autoscaling(self, on: bool, *workloads: str) -> None:
        """Nothing scales by itself here."""

    async def _scale(
        self, described: Manifest, replicas: int, version: str, *, migrate: bool = False
    ) -> None:
        if not self._infra.instance.mesh and (replicas > 1 or version != "v1"):
            raise NeedsMesh("more than one replica or version of a workload needs the mesh (MESH=off)")
        running = self.replicas(described.name, version)
        taken = {r.number for r in running}
        numbers = [n for n in range(replicas + len(taken)) if n not in taken][
            : max(0, replicas - len(running))
        ]
        migrated = asyncio.create_task(self._migrate(known(described.name))) if migrate and numbers else None
        await asyncio.gather(*(self._add(described, version, number, migrated) for number in numbers))
        await asyncio.gather(*(self._remove(replica) for replica in running[replicas:]))

    async def stop(self, workload: str, *, version: str | None = None) -> None:
        async with self._lock(workload):
            await asyncio.gather(*(self._remove(r) for r in self.replicas(workload, version)))
        self.changed()

    async def restart(self, workload: str, *, env: Mapping[str, str] | None = None) -> None:
        async with self._lock(workload):
            for old in self.replicas(workload):
                if env is not None:
                    self._extra[workload, old.version] = dict(env)
                if not self._infra.instance.mesh:  # it has one address
                    await self._remove(old)
                await self._add(old.manifest, old.version, old.number)
                if self._infra.instance.mesh:
                    await self._remove(old)
        self.changed()

    async def _add(
        self, described: Manifest, version: str, number: int, migrated: asyncio.Task[None] | None = None
    ) -> None:
        """The sidecar starts while the database is still being migrated."""
        replica = await self._build(described, version, number)
        self._replicas.append(replica)
        try:
            if replica.proxy_process is not None:
                await replica.proxy_process.start()
            if migrated is not None:
                await migrated
            await replica.app.start()
            await replica.become_ready()
        except RuntimeFailure:
            await self._remove(replica)
            raise
        replica.watch()
        self._infra.events.add("ready", replica.app.name, f"{described.name} {version} at {replica.ip}")

    async def end(self) -> None:
        """Stop everything at once: nobody is left to be told."""
        self._builds.interrupt()
        await asyncio.gather(*(r.stop(tell=False) for r in self._replicas), return_exceptions=True)

    async def _remove(self, replica: Replica) -> None:
        await replica.stop()
        if self._infra.config is not None:
            name = f"Sidecar/{NAMESPACE}/{described_name(replica)}"
            await self._infra.config.write([], remove=[name], wait=False)
        self._infra.forget(replica.slot)
        self._replicas.remove(replica)

    def _slot(self, described: Manifest) -> int:
        if not self._infra.instance.mesh:
            return workloads().index(described.name)
        taken = {r.slot for r in self._replicas} | self._infra.reserved
        slot = next((s for s in SLOTS if s not in taken), None)
        if slot is None:
            raise RuntimeFailure("no address left: 90 replicas are running")
        self._infra.reserved.add(slot)
        return slot

    async def _build(self, described: Manifest, version: str, number: int) -> Replica:
        infra, slot = self._infra, self._slot(described)
        ip, port = infra.instance.ip(FIRST_IP + slot), infra.port(described)
        name = f"{described.name}-{version}-{slot}"
        socket = infra.instance.root / "run" / f"{name}.sock"
        listen = f"unix:{socket}" if infra.config is not None else f"{ip}:{port}"
        env = await self.environment(described.name, version, listen=listen, slot=slot)
        if described.health_path:
            env["METRICS_LISTEN"] = f"{ip}:{METRICS_PORT}"
        app = Process(
            name,
            await self._program(described),
            env,
            infra.log(name),
            infra.events,
            cwd=infra.instance.root,
            spawn=None if service_of(described.image) else self._spawn,
        )
        answers = functools.partial(probe.serves, described, listen)
        if infra.config is None:

            async def serves() -> bool:
                return await probe.serves(described, listen)

            async def nothing(_: bool) -> None:
                return

            return Replica(described, version, number, slot, ip, app, serves, nothing, answers)
        proxy = infra.proxy(described, version, slot, ip)
        hosts = [f"./{objects.host(n)}" for n in workloads() if manifest(n).protocol == "GRPC"]
        hosts.append(f"{objects.ROOT_NAMESPACE}/{objects.COLLECTOR}")
        egress = self.egress(slot)
        entry = objects.workload_entry(described, version, slot, ip, port)
        sidecar = objects.sidecar(described, version, slot, ip, port, egress, str(socket), hosts)
        config = infra.config
        await config.write([service(described.name), sidecar], wait=False)

        async def publish(visible: bool) -> None:
            if visible:
                await config.write([entry])
            else:
                await config.write([], remove=[key(entry)])

        async def serves_in_mesh() -> bool:
            if not await probe.serves(described, listen):
                return False
            if await probe.serves_through_proxy(described, f"{ip}:{port}", infra.probe_context):
                return True
            # Where plaintext is allowed (PERMISSIVE), a sidecar takes our certificate for no certificate of the mesh.
            return await probe.serves(described, f"{ip}:{port}")

        return Replica(
            described,
            version,
            number,
            slot,
            ip,
            app,
            serves_in_mesh,
            publish,
            answers,
            proxy,
            proxy.prepare(),
        )

    def egress(self, slot: int) -> str:
        return self._infra.instance.ip(FIRST_EGRESS + slot)

    async def environment(
        self, workload: str, version: str = "v1", *, listen: str = "127.0.0.1:0", slot: int | None = None
    ) -> dict[str, str]:
        """The workload's settings on this machine; of a running one if there is one, for its way out."""
        described, infra = known(workload), self._infra
        if slot is None:
            slot = next((r.slot for r in self.replicas(workload)), None)
        database = await infra.postgres.database_for(workload) if described.database else ""
        neighbours = {}
        if infra.config is None:
            order = workloads()
            for name in NEIGHBOURS:
                host = infra.instance.ip(FIRST_IP + order.index(name))
                neighbours[name] = f"{host}:{infra.port(manifest(name))}"
        egress = self.egress(slot) if slot is not None and infra.config else ""
        settings = localised(
            described,
            listen=listen,
            version=version,
            nats_url=infra.nats.url,
            database_url=database,
            egress=egress,
            collector=infra.collector,
            neighbours=neighbours,
            extra=self._extra.get((workload, version)),
        )
        return infra.base_env | PYTHON | {"LOG_HASH_KEY": infra.log_hash_key} | settings

    async def _program(self, described: Manifest) -> list[str]:
        """What is executed: compiled first, where it is not Python."""
        if REPLACED in os.environ or not service_of(described.image):
            return self._command(described)
        return [str(await self._builds.binary(described))]

    @staticmethod
    def _command(described: Manifest) -> list[str]:
        folder = Path(os.environ.get(REPLACED) or Path(sys.executable).parent)
        return [str(folder / Path(described.command[0]).name), *described.command[1:]]

    async def command(self, workload: str, *args: str) -> Command:
        return Command([*self._command(known(workload)), *args], await self.environment(workload))

    async def _migrate(self, described: Manifest) -> None:
        command = [*self._command(described), "migrate"]
        env = await self.environment(described.name)
        log = self._infra.log(f"{described.name}-migrate")
        process = Process(
            f"{described.name}-migrate",
            command,
            env,
            log,
            self._infra.events,
            cwd=self._infra.instance.root,
            spawn=self._spawn,
        )
        if await process.once():
            text = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise CommandFailed(f"{described.name} migrate: {text}")


def known(workload: str, version: str = "v1") -> Manifest:
    if workload not in workloads():
        raise RuntimeFailure(f"there is no workload {workload}; there are {', '.join(workloads())}")
    return manifest(workload, version)


def described_name(replica: Replica) -> str:
    return f"{replica.manifest.name}-{replica.version}-{replica.slot}"
