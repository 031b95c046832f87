"""What the nodes, the API server, the sidecars and the add-ons tell of the workloads (runtime.api.Telemetry)."""

import asyncio
import contextlib
from datetime import datetime

from telemetry.edges import EdgeCounters, read, summed

from runtime.api import Event, Object, Part, RuntimeFailure, Usage
from runtime.cluster.addons import Addons
from runtime.cluster.admin import Proxies
from runtime.cluster.api import Api, NotThere
from runtime.cluster.nodes import Nodes
from runtime.cluster.pods import DATABASES, PLACES, PROXY, Pods, name_of
from runtime.cluster.ports import Ports
from runtime.manifests import NAMESPACE, workloads

KINDS = {"Started": "started", "Killing": "stopped", "BackOff": "exited", "Unhealthy": "failing"}


class Observing(Addons):
    """What pods, proxies and add-ons of the cluster say of the system."""

    def __init__(self, api: Api, pods: Pods, proxies: Proxies, nodes: Nodes, ports: Ports) -> None:
        super().__init__(pods, ports)
        self._api = api
        self._proxies = proxies
        self._nodes = nodes

    async def logs(self, workload: str, part: Part = "app", lines: int = 100) -> list[str]:
        """The last lines of each replica of a workload or of a part of the infrastructure."""
        if workload == "postgres":
            pods, container = await self._pods.labelled(DATABASES), "postgres"
        else:
            pods = await self._pods.of(workload)
            container = PLACES[workload][2] if workload in PLACES else workload
        container = PROXY if part == "proxy" else container
        logs = await asyncio.gather(*(self._log(*name_of(pod), container, lines) for pod in pods))
        return [line for text in logs for line in text.splitlines()]

    async def database_log(self, database: str, lines: int) -> list[str]:
        """The last lines that the database's server has written."""
        pods = await self._pods.labelled(f"app={database}-db")
        logs = await asyncio.gather(*(self._log(*name_of(pod), "postgres", lines) for pod in pods))
        return [line for text in logs for line in text.splitlines()]

    async def _log(self, namespace: str, pod: str, container: str, lines: int) -> str:
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        with contextlib.suppress(NotThere, RuntimeFailure):  # it has just gone, or not begun
            return (
                await self._api.request("GET", path, params={"container": container, "tailLines": lines})
            ).text
        return ""

    async def counters(self, workload: str, prefix: str = "", *, matching: str = "") -> dict[str, float]:
        """Statistics of the workload's sidecars by name, summed over its replicas."""
        return await self._proxies.counters(workload, prefix, matching)

    async def edges(self) -> list[EdgeCounters]:
        """Who has called whom since the proxies started."""
        reads = (self._read_counters(pod) for pod in await self._proxies.pods())
        found = await asyncio.gather(*reads, return_exceptions=True)
        return summed(edges for edges in found if not isinstance(edges, BaseException))

    async def _read_counters(self, pod: Object) -> list[EdgeCounters]:
        """The sidecar does not know its pod's labels."""
        text = await (await self._proxies.admin(pod)).prometheus("istio.request")
        labels = pod["metadata"]["labels"]
        return read(text, (labels["app"], labels.get("version", "latest")))

    async def memory(self) -> dict[str, int]:
        """Bytes of memory that each container uses."""
        pods = await self._pods.labelled("app.kubernetes.io/part-of=figtree")
        for name in PLACES:
            pods += await self._pods.of(name)
        return {name: int(used) for name, used in (await self._nodes.used("memory", pods)).items()}

    async def cpu(self) -> dict[str, float]:
        """Seconds of CPU that each running workload has used, its sidecar included."""
        pods = await self._pods.labelled(f"app in ({','.join(workloads())})")
        owners = {pod["metadata"]["name"]: pod["metadata"]["labels"]["app"] for pod in pods}
        total: dict[str, float] = {}
        for name, seconds in (await self._nodes.used("cpu", pods)).items():
            owner = owners[name.partition(" ")[0]]
            total[owner] = total.get(owner, 0.0) + seconds
        return total

    async def usage(self, workload: str, version: str = "v1") -> Usage:
        """What the version's containers have used, without those of its sidecars."""
        pods = await self._pods.labelled(f"app={workload},version={version}")
        figures = []
        for figure in ("cpu", "memory"):
            used = await self._nodes.used(figure, pods)
            figures.append(sum(value for name, value in used.items() if name.endswith(f" {workload}")))
        return Usage(figures[0], int(figures[1]))

    async def events(self, since: int = 0) -> list[Event]:
        """What Kubernetes says has happened; the resource version, which only grows, is the sequence."""
        found = []
        for item in await self._api.list(f"/api/v1/namespaces/{NAMESPACE}/events"):
            number, kind = int(item["metadata"]["resourceVersion"]), KINDS.get(item["reason"])
            if number > since and kind:
                at = (
                    item.get("lastTimestamp")
                    or item.get("eventTime")
                    or item["metadata"]["creationTimestamp"]
                )
                seconds = datetime.fromisoformat(at).timestamp()
                found.append(Event(number, seconds, kind, item["involvedObject"]["name"], item["message"]))
        return sorted(found, key=lambda event: event.sequence)
