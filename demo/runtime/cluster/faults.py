"""What breaks a cluster on purpose (runtime.api.Faults)."""

import asyncio

from runtime.api import Infrastructure, NotRunning, Part
from runtime.cluster.fleet import START_LIMIT, Fleet
from runtime.cluster.nodes import Nodes
from runtime.cluster.pods import DATABASES, PLACES, PROXY, Pods
from runtime.cluster.render import condition
from runtime.cluster.resources import Resources


class ClusterFaults:
    def __init__(self, pods: Pods, nodes: Nodes, fleet: Fleet, mesh: Resources) -> None:
        self._pods = pods
        self._nodes = nodes
        self._fleet = fleet
        self._mesh = mesh

    async def kill(self, workload: str, part: Part = "app", replica: int = 0) -> None:
        if workload == "postgres":
            for pod in await self._pods.labelled(DATABASES):
                await self._nodes.kill(pod, "postgres")
            return
        running = await self._pods.of(workload)
        if replica >= len(running):
            raise NotRunning(f"{workload} has {len(running)} replicas")
        container = PLACES[workload][2] if workload in PLACES else workload
        await self._nodes.kill(running[replica], PROXY if part == "proxy" else container)

    async def freeze(self, workload: str, replica: int = 0) -> None:
        running = await self._pods.of(workload)
        if replica >= len(running):
            raise NotRunning(f"{workload} has {len(running)} replicas")
        await self._nodes.signal("freeze", running[replica], workload)

    async def stop_infrastructure(self, name: Infrastructure) -> None:
        if name == "postgres":
            await self._nodes.hold(name, await self._pods.labelled(DATABASES), "postgres")
        else:
            await self._nodes.hold(name, await self._pods.of(name), PLACES[name][2])

    async def start_infrastructure(self, name: Infrastructure) -> None:
        await self._nodes.release(name)
        if name in ("postgres", "nats"):
            selector = DATABASES if name == "postgres" else PLACES[name][1]
            sets = {p["metadata"]["labels"]["app"] for p in await self._pods.labelled(selector)}
            await asyncio.gather(*(self._fleet.ready_stateful(one) for one in sets))
            return
        async with asyncio.timeout(START_LIMIT):
            while not all(condition(pod, "Ready") for pod in await self._pods.of(name)):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
            while name == "istiod" and not await self._mesh.is_guarded():  # noqa: ASYNC110
                await asyncio.sleep(0.2)
