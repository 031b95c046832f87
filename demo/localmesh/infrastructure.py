"""What every workload needs: PostgreSQL, NATS and, with the mesh, istiod and the ingress gateway."""

import asyncio
import os
import secrets
import shutil
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from runtime.api import RuntimeFailure
from runtime.manifests import NAMESPACE, Manifest, standing

from localmesh import objects
from localmesh.events import Events
from localmesh.fake_apiserver import FakeApiServer
from localmesh.identity import Identity
from localmesh.instance import MARKER, Instance
from localmesh.istio_binaries import Binaries
from localmesh.istiod import Istiod
from localmesh.mesh_config import MeshConfig
from localmesh.nats import Nats
from localmesh.postgres import Postgres
from localmesh.prefork_client import Prefork
from localmesh.process import Process
from localmesh.sidecar import MeshFiles, Proxy

GATEWAY_ACCOUNT = "istio-ingressgateway-service-account"
RETURN_LIMIT = 30.0
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "COVERAGE_PROCESS_START")

PYTHON = {"PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072"}


class Infrastructure:
    def __init__(self, instance: Instance, identity: Identity, api: FakeApiServer, events: Events) -> None:
        self.instance = instance
        self._api = api
        self.identity = identity
        self.events = events
        self.base_env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self.base_env[MARKER] = str(instance.root)
        self.log_hash_key = secrets.token_hex(16)  # for all processes of the instance
        self.prefork = Prefork(self.base_env | PYTHON)
        root, ports = instance.root, instance.ports
        self.postgres = Postgres(
            root / "postgres",
            instance.postgres_ip,
            ports["postgres"],
            self.base_env,
            self.log("postgres"),
            events,
        )
        self.nats = Nats(
            root / "nats", instance.nats_ip, ports["nats"], self.base_env, self.log("nats"), events
        )
        self.istiod: Istiod | None = None
        self.config: MeshConfig | None = None
        self.ingress: Proxy | None = None
        self.ingress_process: Process | None = None
        self.sidecars: Callable[[], list[Proxy]] = list
        self.reserved: set[int] = set()
        self._files: MeshFiles | None = None
        self._context: ssl.SSLContext | None = None

    def take_secrets(self, postgres_password: str, nats_token: str, log_hash_key: str) -> None:
        """Those of an earlier supervisor, whose databases and queue are still there."""
        self.postgres.password, self.nats.token = postgres_password, nats_token
        self.log_hash_key = log_hash_key

    def log(self, name: str) -> Path:
        return self.instance.root / "logs" / f"{name}.log"

    @property
    def collector(self) -> str:
        return f"http://{self.instance.telemetry_ip}:{self.instance.ports['otlp']}"

    def port(self, manifest: Manifest) -> int:
        """The port on the workload's own address."""
        return self.instance.ports[manifest.port_name]

    @property
    def probe_context(self) -> ssl.SSLContext:
        assert self._context is not None
        return self._context

    async def start(self, applied: Sequence[Path] = ()) -> None:
        """Start all; with the manifests that were applied in an earlier life, if there was one.

        They are there before the ingress listens: without its routes it would answer 404.
        """
        self.prefork.open()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.postgres.start())
            group.create_task(self.nats.start())
            if self.instance.mesh:
                group.create_task(self._start_mesh(applied))

    async def _start_mesh(self, applied: Sequence[Path]) -> None:
        self.identity.save()
        self._context = self.identity.probe_context()
        binaries = Binaries()
        await asyncio.to_thread(binaries.verify)
        self.istiod = Istiod(
            self.instance,
            binaries.istiod,
            binaries.schemas,
            binaries.routing,
            self.identity,
            self.base_env,
            self.log("istiod"),
            self.events,
        )
        self.config = MeshConfig(self.istiod, self._api, self.events)
        self.config.draining = self._is_draining
        self._files = MeshFiles(
            binaries.agent,
            binaries.bootstrap.read_text(),
            self.istiod.secure_xds,
            self.instance.ports["admin"],
        )
        self.istiod.config.mkdir()
        telemetry, otlp = self.instance.telemetry_ip, self.instance.ports["otlp"]
        own = [
            objects.edge_listener(self.instance.edge_port),
            objects.collector(telemetry, otlp),
            objects.ingress(self.instance.ingress_ip),
            objects.sidecar_of_strangers(self.instance.unused_ip),
        ]
        await self.config.write(own, wait=False)
        await self.config.restore(applied)
        await self.istiod.start()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.config.apply([path for path in standing() if path not in applied]))
            group.create_task(self._start_ingress())

    async def _is_draining(self) -> bool:
        proxies = [proxy for proxy in (self.ingress, *self.sidecars()) if proxy is not None]
        answers = await asyncio.gather(*(proxy.admin.draining() for proxy in proxies), return_exceptions=True)
        return any(answer is True for answer in answers)  # one that does not answer has no connections

    async def _start_ingress(self) -> None:
        self.ingress = self._proxy(
            "ingress",
            "router",
            objects.ROOT_NAMESPACE,
            GATEWAY_ACCOUNT,
            self.instance.ingress_ip,
            {"app": "istio-ingressgateway", "istio": "ingressgateway"},
            "istio-ingressgateway",
        )
        self.ingress_process = self.ingress.prepare()
        await self.ingress_process.start()
        await self.ingress_process.until(self.ingress.admin.ready, 20)
        self.events.add("ready", "ingress", f"127.0.0.1:{self.instance.edge_port}")

    def proxy(self, manifest: Manifest, version: str, slot: int, ip: str) -> Proxy:
        name = f"{manifest.name}-{version}-{slot}"
        labels = objects.labels(manifest, version, slot)
        workload = objects.deployment(manifest, version)
        return self._proxy(name, "sidecar", NAMESPACE, manifest.service_account, ip, labels, workload)

    def _proxy(
        self,
        name: str,
        kind: str,
        namespace: str,
        account: str,
        ip: str,
        labels: dict[str, str],
        workload: str,
    ) -> Proxy:
        assert self._files is not None
        folder = self.instance.root / "proxies" / name
        shutil.rmtree(folder, ignore_errors=True)
        return Proxy(
            name,
            kind,
            namespace,
            account,
            ip,
            labels,
            folder,
            self.log(f"{name}-proxy"),
            self._files,
            self.identity,
            self.base_env,
            self.events,
            workload,
        )

    def forget(self, slot: int) -> None:
        self.reserved.discard(slot)

    def processes(self) -> dict[str, Process | None]:
        return {
            "postgres": self.postgres.process,
            "nats": self.nats.process,
            "istiod": self.istiod.process if self.istiod else None,
            "ingress": self.ingress_process,
        }

    def _find_process(self, name: str) -> Process:
        process = self.processes().get(name)
        if process is None:
            raise RuntimeFailure(f"there is no {name}; there are {', '.join(self.processes())}")
        return process

    async def take_away(self, name: str) -> None:
        await self._find_process(name).hold_down()

    async def bring_back(self, name: str) -> None:
        process = self._find_process(name)
        ready = {"postgres": self.postgres.answers, "nats": self.nats.answers}
        if self.istiod is not None and self.ingress is not None:
            ready |= {"istiod": self.istiod.ready, "ingress": self.ingress.admin.ready}
        process.let_up()
        deadline = asyncio.get_running_loop().time() + RETURN_LIMIT
        while not await ready[name]():
            if asyncio.get_running_loop().time() > deadline:
                raise process.failed(f"is not back after {RETURN_LIMIT:g} s")
            await asyncio.sleep(0.03)

    async def stop(self) -> None:
        if self.ingress_process is not None:
            await self.ingress_process.stop()
        if self.istiod is not None:
            await self.istiod.stop()
        self.prefork.close()
        others = (self.nats.process, self.postgres.process)
        await asyncio.gather(*(process.stop() for process in others if process is not None))
