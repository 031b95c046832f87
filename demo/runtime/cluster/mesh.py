"""The mesh of a cluster: resources, sidecars, identities (runtime.api.Mesh)."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from runtime.api import Certificate, Command, Object
from runtime.cluster.admin import Proxies
from runtime.cluster.api import Api
from runtime.cluster.fleet import known
from runtime.cluster.forward import Forwards, Pod
from runtime.cluster.helpers import RELAYED, Helpers
from runtime.cluster.pods import Pods, name_of
from runtime.cluster.resources import Resources
from runtime.manifests import NAMESPACE
from runtime.mesh_objects import read
from runtime.users import user_token


class ClusterMesh(Resources):
    """Istio's resources in the cluster, its proxies and identities."""

    def __init__(self, api: Api, proxies: Proxies, pods: Pods, helpers: Helpers, forwards: Forwards) -> None:
        super().__init__(api, proxies)
        self._pods = pods
        self._helpers = helpers
        self._forwards = forwards

    async def apply(self, paths: Sequence[Path]) -> None:
        """Apply all files or none; ends when every proxy has them. Raises Refused or NotInForce."""
        if any(item["kind"] == "RequestAuthentication" for path in paths for item in read(path)):
            await self._helpers.keys()  # istiod asks for them at once, and then not for a long time
        await super().apply(paths)

    async def egress(self, workload: str) -> str:
        """host:port on this machine that leads through a sidecar with the workload's identity."""

        async def there() -> Pod:
            return name_of(await self._helpers.caller(known(workload)))

        await there()
        return f"127.0.0.1:{await self._forwards.port(f'caller-{workload}', RELAYED, there)}"

    async def proxyless(self, account: str, *args: str) -> Command:
        """A Python in a pod that takes part in the mesh without a sidecar; it reads its program from standard input."""
        pod = await self._helpers.proxyless(account)
        return self._api.kubectl.execute(NAMESPACE, pod, "client", "python", "-", *args)

    async def user_token(self, user: str, *, audience: str = "figtree", seconds: float = 300.0) -> str:
        """A JSON Web Token for a user of the edge, valid for so many seconds."""
        return user_token(await self._helpers.keys(), user, audience, seconds)

    async def proxy_config(self, workload: str) -> Object:
        """Envoy's dump of the configuration of the workload's first sidecar."""
        return await (await self._proxies.admin(await self._pods.first(workload))).config()

    async def proxy_certificate(self, workload: str) -> Certificate:
        """The certificate of the workload's first sidecar."""
        return await (await self._proxies.admin(await self._pods.first(workload))).certificate()

    async def rejected_updates(self) -> dict[str, int]:
        """How many configurations each proxy has refused, by the name of its pod."""
        proxies = await self._proxies.all()
        answers = await asyncio.gather(*(admin.statistics("update_rejected") for admin in proxies.values()))
        return {name: int(sum(found.values())) for name, found in zip(proxies, answers, strict=True)}
