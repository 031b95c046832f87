"""The cluster runtime as its users see it; it keeps nothing of its own: what must be known stands in the cluster."""

import asyncio
import os
from collections.abc import Callable
from typing import Self

from runtime.api import NotRunning, Object, RuntimeFailure
from runtime.cluster import edge, nodes
from runtime.cluster.admin import Proxies
from runtime.cluster.api import Api
from runtime.cluster.databases import ClusterDatabases
from runtime.cluster.faults import ClusterFaults
from runtime.cluster.fleet import START_LIMIT, Fleet, known
from runtime.cluster.forward import Forwards
from runtime.cluster.helpers import OUTSIDE, Helpers
from runtime.cluster.kubectl import Kubectl
from runtime.cluster.mesh import ClusterMesh
from runtime.cluster.observing import Observing
from runtime.cluster.pods import Pods
from runtime.cluster.ports import Ports
from runtime.cluster.render import Rendered, deployment, overlay
from runtime.manifests import NAMESPACE, ROOT
from runtime.mesh_objects import GATEWAY_API

STORAGE_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"


class ClusterRuntime:
    """Everything in one namespace of the cluster of a kubectl context; made by `up` or `connect`."""

    def __init__(self, context: str) -> None:
        self.kubectl = Kubectl(context)
        self.api = Api(self.kubectl)
        self.pods = Pods(self.api)
        self._forwards = Forwards(self.kubectl)
        self._helpers = Helpers(self.api, self.pods)
        self._proxies = Proxies(self.pods, self._forwards)
        self._rendered = Rendered(self.api)
        agents, ports = nodes.Nodes(self.kubectl, self.pods, self._helpers), Ports(self.pods, self._forwards)
        self.mesh = ClusterMesh(self.api, self._proxies, self.pods, self._helpers, self._forwards)
        self.workloads = Fleet(self.api, self.pods, self.mesh, self._rendered, self._helpers, ports)
        self.telemetry = Observing(self.api, self.pods, self._proxies, agents, ports)
        self.databases = ClusterDatabases(self.api, ports, self.workloads, self.telemetry)
        self.faults = ClusterFaults(self.pods, agents, self.workloads, self.mesh)
        self.capabilities = frozenset({"kubernetes", "mesh"})
        self._edge = ""

    def __reduce__(self) -> tuple[object, ...]:
        """What another process needs to connect to the same cluster: no connection of ours is of use to it."""
        return _reconnect, (self.kubectl.context, self.capabilities, self._edge)

    @classmethod
    async def up(cls, context: str, progress: Callable[[str], None] = lambda _: None) -> Self:
        """The namespace, the passwords and the mesh's rules, where they are not there yet."""
        runtime = cls(context)
        await runtime._must_be_istio()
        progress(f"prepare the namespace {NAMESPACE} for k8s/overlays/{await overlay(runtime.api)}")
        await runtime._prepare()
        await runtime._look_round()
        return runtime

    @classmethod
    async def connect(cls, context: str) -> Self:
        """The runtime of a system that `up` has prepared. Raises NotRunning if there is none, or no Istio."""
        runtime = cls(context)
        await runtime._must_be_istio()
        if not await runtime.api.find(f"/api/v1/namespaces/{NAMESPACE}"):
            raise NotRunning(f"context {context} has no namespace {NAMESPACE}: `make deploy` or `figtree up`")
        await runtime._look_round()
        return runtime

    async def _look_round(self) -> None:
        self._edge = await edge.find(self.api)
        self.capabilities |= nodes.capabilities(await self.api.list(nodes.NODES))
        if GATEWAY_API in await self._groups():
            self.capabilities |= {"gateway api"}
        if await self.api.list(STORAGE_CLASSES):
            self.capabilities |= {"volumes"}

    async def _groups(self) -> set[str]:
        return {group["name"] for group in (await self.api.get("/apis"))["groups"]}

    async def _must_be_istio(self) -> None:
        await self.api.get("/version")
        if "networking.istio.io" not in await self._groups():
            raise NotRunning(f"the cluster of context {self.kubectl.context} has no Istio: `make cluster`")

    async def _prepare(self) -> None:
        process = await asyncio.create_subprocess_exec(
            str(ROOT / "k8s/scripts/prepare"),
            "any",
            env=os.environ | {"KUBECTL_CONTEXT": self.kubectl.context},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise RuntimeFailure(f"k8s/scripts/prepare: {output.decode(errors='replace').strip()[-1000:]}")

    def edge(self) -> str:
        """The base URL at which the system is used."""
        return self._edge

    def page(self) -> str:
        """Nobody serves it in the cluster: `figtree page` does, from here."""
        return ""

    async def run_in_caller(self, account: str, *command: str) -> str:
        """In the pod that calls in the name of that service account."""
        pod = (await self._helpers.caller(account))["metadata"]["name"]
        return await self.kubectl.run("-n", NAMESPACE, "exec", pod, "-c", "relay", "--", *command)

    async def statistics(self, pod: Object) -> dict[str, float]:
        """Of one pod's sidecar."""
        return await (await self._proxies.admin(pod)).statistics()

    async def requests_by_zone(self, pod: Object, cluster: str) -> dict[str, float]:
        """How many requests one pod's sidecar has sent to the hosts of that cluster, by their zones."""
        return await (await self._proxies.admin(pod)).requests_by_zone(cluster)

    async def deployment(self, workload: str) -> Object:
        """As the runtime itself applies it."""
        return deployment(await self._rendered.of(known(workload)), "v1", {}, 1)

    async def close(self) -> None:
        """Our ports and connections; the cluster keeps what runs."""
        await self._forwards.close()
        await self.api.close()

    async def tidy(self) -> None:
        """The callers and the keys leave; who calls from outside of the mesh has a namespace of its own."""
        await self._helpers.leave()

    async def down(self) -> None:
        """Everything of ours; the cluster and its Istio stay."""
        await self.mesh.forget()
        for namespace in (NAMESPACE, OUTSIDE):
            await self.api.delete(f"/api/v1/namespaces/{namespace}")
        async with asyncio.timeout(START_LIMIT):
            for namespace in (NAMESPACE, OUTSIDE):
                while await self.api.find(f"/api/v1/namespaces/{namespace}"):
                    await asyncio.sleep(0.5)
        self.kubectl.close()


def _reconnect(context: str, capabilities: frozenset[str], edge_url: str) -> ClusterRuntime:
    runtime = ClusterRuntime(context)
    runtime.capabilities, runtime._edge = capabilities, edge_url
    return runtime
