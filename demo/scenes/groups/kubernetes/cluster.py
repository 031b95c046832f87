"""The cluster behind a stage, for what no other runtime has."""

from typing import Any

from runtime.api import Object
from runtime.cluster import ClusterRuntime
from runtime.cluster.nodes import NODES, ZONE

from scenes.engine.result import NotSeen
from scenes.engine.stage import Stage


def cluster(stage: Stage) -> ClusterRuntime:
    if not isinstance(stage.runtime, ClusterRuntime):
        raise NotSeen("this is no cluster")
    return stage.runtime


async def ready_pods(stage: Stage, workload: str) -> dict[str, Object]:
    """By name, those that take part; whoever is leaving is no part of it any more."""
    ready = {
        one.instance for one in await stage.runtime.workloads.statuses() if one.name == workload and one.ready
    }
    pods = await cluster(stage).pods.of(workload)
    return {
        pod["metadata"]["name"]: pod
        for pod in pods
        if any(instance.startswith(pod["metadata"]["name"]) for instance in ready)
    }


async def zone_of(stage: Stage, pod: Object) -> str:
    node = await cluster(stage).api.get(f"{NODES}/{pod['spec']['nodeName']}")
    return str(node["metadata"]["labels"].get(ZONE, ""))


async def rates(stage: Stage, **request: Any) -> Any:
    return await stage.client.get("/api/rates", **request)
