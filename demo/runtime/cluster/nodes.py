"""The agent on each node: SIGKILL to a container, and what each container has used (k8s/scenes/outside/agent.py)."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from runtime.api import NotRunning, Object, RuntimeFailure
from runtime.cluster.helpers import Helpers
from runtime.cluster.kubectl import Kubectl
from runtime.cluster.pods import Pods, container_id, is_leaving, statuses

OUTSIDE = "figtree-outside"
RUN = ("--", "python3", "/scripts/agent.py")
HELD_WITHIN = 15.0
NODES = "/api/v1/nodes"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
ZONE = "topology.kubernetes.io/zone"


def capabilities(nodes: Iterable[Object]) -> frozenset[str]:
    """What scenes may need of a cluster with these nodes: "two nodes", "two zones"."""
    workers = [labels for node in nodes if CONTROL_PLANE not in (labels := node["metadata"]["labels"])]
    zones = {labels[ZONE] for labels in workers if ZONE in labels}
    counts = {"two nodes": len(workers), "two zones": len(zones)}
    return frozenset(name for name, count in counts.items() if count > 1)


class Nodes:
    """Signals to processes of pods, sent by an agent on each node."""

    def __init__(self, kubectl: Kubectl, pods: Pods, helpers: Helpers) -> None:
        self._kubectl = kubectl
        self._pods = pods
        self._helpers = helpers
        self._held: dict[str, list[asyncio.subprocess.Process]] = {}

    async def _agents(self) -> dict[str, str]:
        """Node and name of the agent there."""
        await self._helpers.outside()
        agents = await self._pods.labelled("app=agent", OUTSIDE)
        return {pod["spec"]["nodeName"]: pod["metadata"]["name"] for pod in agents if not is_leaving(pod)}

    def _exec(self, agent: str, *args: str, stdin: bool = False) -> list[str]:
        return ["-n", OUTSIDE, "exec", *(["-i"] if stdin else []), agent, *RUN, *args]

    async def kill(self, pod: Object, container: str) -> None:
        """SIGKILL to the container's processes. Raises NotRunning if it has none."""
        await self.signal("kill", pod, container)

    async def signal(self, name: str, pod: Object, container: str) -> None:
        """`name` is the agent's command: kill or freeze."""
        found = container_id(pod, container)
        if not found:
            raise NotRunning(f"{pod['metadata']['name']} has no container {container} that runs")
        agents = await self._agents()
        await self._kubectl.run(*self._exec(agents[pod["spec"]["nodeName"]], name, found))

    async def freeze(self, node: str, seconds: float) -> None:
        """Stop every process of the node, its kubelet among them; ends when the agent has let them go on."""
        await self._kubectl.run(*self._exec((await self._agents())[node], "freeze-node", f"{seconds:g}"))

    async def hold(self, name: str, pods: list[Object], container: str) -> None:
        """Kill them, and let nothing take their place until `release`, or until this process ends."""
        if name in self._held:
            return
        agents = await self._agents()
        ids: dict[str, list[str]] = {}
        for pod in pods:
            if found := container_id(pod, container):
                ids.setdefault(pod["spec"]["nodeName"], []).append(found)
        if not ids:
            raise NotRunning(f"{name} is not running")
        holders = self._held[name] = []
        for node, containers in ids.items():
            process = await asyncio.create_subprocess_exec(
                *self._kubectl.command,
                *self._exec(agents[node], "hold", *containers, stdin=True),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            holders.append(process)
            assert process.stdout is not None
            try:
                line = await asyncio.wait_for(process.stdout.readline(), HELD_WITHIN)
            except TimeoutError:
                line = b""
            if line.strip() != b"held":
                await self.release(name)
                raise RuntimeFailure(f"{name} could not be stopped")

    async def release(self, name: str) -> None:
        """Let the containers that `hold` keeps away start again."""
        for process in self._held.pop(name, ()):
            assert process.stdin is not None
            process.stdin.close()
            await process.communicate()

    async def usage(self) -> dict[str, dict[str, float]]:
        """Of each container on every node, by its id: cpu in seconds, memory in bytes."""
        agents = await self._agents()
        texts = await asyncio.gather(*(self._kubectl.run(*self._exec(a, "usage")) for a in agents.values()))
        found: dict[str, dict[str, float]] = {}
        for text in texts:
            found |= json.loads(text)
        return found

    async def used(self, figure: str, pods: list[Object]) -> dict[str, float]:
        """That figure of each container of these pods, by the names of both."""
        usage: Any = await self.usage()
        return {
            f"{pod['metadata']['name']} {one['name']}": usage[identity][figure]
            for pod in pods
            for one in statuses(pod)
            if (identity := one.get("containerID", "").rpartition("/")[2]) in usage
        }
