"""What breaks a cluster on purpose (runtime.api.Faults)."""

import asyncio
from dataclasses import dataclass

from runtime.api import Infrastructure, NotRunning, Object, Part
from runtime.cluster.fleet import START_LIMIT, Fleet
from runtime.cluster.nodes import Nodes
from runtime.cluster.pods import DATABASES, PLACES, PROXY, Pods
from runtime.cluster.render import condition
from runtime.cluster.resources import Resources


@dataclass(frozen=True, slots=True)
class ClusterFaults:
    """Faults of pods, caused on their nodes."""

    pods: Pods
    nodes: Nodes
    fleet: Fleet
    mesh: Resources

    async def kill(self, workload: str, part: Part = "app", replica: int = 0) -> None:
        """SIGKILL to one replica, its sidecar or a part of the infrastructure; Kubernetes starts it again."""
        if workload == "postgres":
            for pod in await self.pods.labelled(DATABASES):
                await self.nodes.kill(pod, "postgres")
            return
        pod = await self._find_replica(workload, replica)
        container = PLACES[workload][2] if workload in PLACES else workload
        await self.nodes.kill(pod, PROXY if part == "proxy" else container)

    async def freeze(self, workload: str, replica: int = 0) -> None:
        """SIGSTOP to the replica's process. Raises NotRunning if there is no such replica."""
        await self.nodes.signal("freeze", await self._find_replica(workload, replica), workload)

    async def prepare(self) -> None:
        """Start what causes the faults on the nodes, so that the first fault takes no longer than the others."""
        await self.nodes.usage()

    async def freeze_node(self, node: str, seconds: float) -> None:
        """SIGSTOP to every process of a worker node, SIGCONT after so many seconds; ends when they go on."""
        await self.nodes.freeze(node, seconds)

    async def _find_replica(self, workload: str, replica: int) -> Object:
        running = await self.pods.of(workload)
        if replica >= len(running):
            raise NotRunning(f"{workload} has {len(running)} replicas")
        return running[replica]

    async def stop_infrastructure(self, name: Infrastructure) -> None:
        """Kill its processes and keep them away until `start_infrastructure`."""
        if name == "postgres":
            await self.nodes.hold(name, await self.pods.labelled(DATABASES), "postgres")
        else:
            await self.nodes.hold(name, await self.pods.of(name), PLACES[name][2])

    async def start_infrastructure(self, name: Infrastructure) -> None:
        """Let its processes start again; ends when they are ready."""
        await self.nodes.release(name)
        if name in ("postgres", "nats"):
            selector = DATABASES if name == "postgres" else PLACES[name][1]
            sets = {p["metadata"]["labels"]["app"] for p in await self.pods.labelled(selector)}
            await asyncio.gather(*(self.fleet.ready_stateful(one) for one in sets))
            return
        async with asyncio.timeout(START_LIMIT):
            while not all(condition(pod, "Ready") for pod in await self.pods.of(name)):
                await asyncio.sleep(0.2)
            while name == "istiod" and not await self.mesh.is_guarded():
                await asyncio.sleep(0.2)
