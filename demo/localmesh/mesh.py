"""The mesh of an instance: resources, sidecars, identities (runtime.api.Mesh)."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.api import Certificate, Command, NeedsMesh, Object

from localmesh import proxyless
from localmesh.fleet import Fleet
from localmesh.infrastructure import Infrastructure
from localmesh.lookup import Lookup
from localmesh.mesh_config import MeshConfig

GRPC = 50051  # every service's port


class LocalMesh:
    def __init__(self, infrastructure: Infrastructure, fleet: Fleet, lookup: Lookup) -> None:
        self._infra = infrastructure
        self._fleet = fleet
        self._lookup = lookup

    def _config(self) -> MeshConfig:
        if self._infra.config is None:
            raise NeedsMesh("manifests of the mesh cannot be applied without it (MESH=off)")
        return self._infra.config

    async def apply(self, paths: Sequence[Path]) -> None:
        await self._config().apply(paths)

    async def delete(self, paths: Sequence[Path]) -> None:
        await self._config().delete(paths)

    async def applied(self) -> dict[str, Path]:
        return dict(self._infra.config.sources) if self._infra.config else {}

    async def in_force(self) -> dict[str, Object]:
        return await self._config().in_force()

    async def egress(self, workload: str) -> str:
        if self._infra.config is None:
            raise NeedsMesh("there are no sidecars without the mesh (MESH=off)")
        return f"{self._fleet.egress(self._fleet.first(workload).slot)}:{GRPC}"

    async def proxyless(self, account: str, *args: str) -> Command:
        if self._infra.istiod is None:
            raise NeedsMesh("there is nothing to take part in without the mesh (MESH=off)")
        bootstrap = proxyless.prepare(self._infra.istiod, self._infra.identity, account)
        return Command([sys.executable, "-", *args], os.environ | {"GRPC_XDS_BOOTSTRAP": str(bootstrap)})

    async def user_token(self, user: str, *, audience: str = "figtree", seconds: float = 300.0) -> str:
        return self._infra.identity.user_token(user, audience, seconds)

    async def proxy_config(self, workload: str) -> Object:
        return await self._lookup.first_proxy(workload).admin.config()

    async def proxy_certificate(self, workload: str) -> Certificate:
        return await self._lookup.first_proxy(workload).admin.certificate()

    async def rejected_updates(self) -> dict[str, int]:
        rejected = {}
        for proxy in self._lookup.all_proxies():
            statistics = await proxy.admin.statistics("update_rejected")
            rejected[proxy.name] = int(sum(statistics.values()))
        return rejected
