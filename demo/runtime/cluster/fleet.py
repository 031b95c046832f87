"""Starting, stopping, scaling and replacing Deployments, until their neighbours know of it (runtime.api.Workloads)."""

import asyncio
import json
import math
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.api import Command, Object, RuntimeFailure, StartFailed, WorkloadStatus
from runtime.cluster.api import APPS, Api
from runtime.cluster.helpers import OUTSIDE, Helpers
from runtime.cluster.pods import SYSTEM, Pods, is_leaving, statuses
from runtime.cluster.ports import Ports
from runtime.cluster.render import EXTRA, STARTED, Rendered, condition, deployment, named
from runtime.cluster.resources import Resources
from runtime.manifests import NAMESPACE, ROOT, manifest, workloads

START_LIMIT = 180.0
STOP_LIMIT = 60.0
HOPELESS = (
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
)
AUTOSCALERS = f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers"
ISTIOS = AUTOSCALERS.replace(NAMESPACE, SYSTEM)
DEPLOYMENTS = f"{APPS}/namespaces/{NAMESPACE}/deployments"
SCOPES = ROOT / "istio" / "cluster"


@dataclass(frozen=True, slots=True)
class Fleet:
    """The Deployments of the workloads and the StatefulSets that they need."""

    api: Api
    pods: Pods
    mesh: Resources
    rendered: Rendered
    helpers: Helpers
    ports: Ports

    async def statuses(self) -> list[WorkloadStatus]:
        """The status of each replica of each workload."""
        return await self.pods.statuses()

    async def address(self, workload: str) -> str:
        """Through the stranger's pod: a port of ours would enter the pod behind its sidecar."""
        port = await self.helpers.strange_port(workload)
        return f"127.0.0.1:{await self.ports.of('stranger', port, 'app=stranger', OUTSIDE)}"

    async def command(self, workload: str, *args: str) -> Command:
        """In a pod of the workload, beside the process that serves."""
        pod = await self.pods.first(known(workload))
        called = [*manifest(workload).command, *args]
        return self.api.kubectl.execute(NAMESPACE, pod["metadata"]["name"], workload, *called)

    async def prepare(self, workload: str, version: str) -> str:
        """Nothing is compiled: `make images` has built the images."""
        return ""

    async def start(
        self, workload: str, *, replicas: int = 1, version: str = "v1", env: Mapping[str, str] | None = None
    ) -> None:
        """Apply the workload with what it needs; ends when every replica serves through its sidecar."""
        items = await self.rendered.of(known(workload))
        if not await self._deployments(
            workload
        ):  # the first version brings the Sidecar, the last one takes it along
            await self.mesh.apply([scope_of(workload)])
        await asyncio.gather(*(self._stateful(name) for name in await self.rendered.needed_by(workload)))
        item = deployment(items, version, env or {}, replicas)
        if version == "v1":
            for other in items:
                await self.api.apply(other)
            await self._scale(workload, replicas, version)
        else:
            await self.api.apply(item)
        await self._rolled_out(item["metadata"]["name"])

    async def _stateful(self, name: str) -> None:
        """A database or the queue, ready before who needs it: a migration that finds none is tried ever later."""
        for item in await self.rendered.of(name):
            await self.api.apply(item)
        await self.ready_stateful(name)

    async def ready_stateful(self, name: str, limit: float = START_LIMIT) -> None:
        """Wait until each replica of the StatefulSet is ready, for `limit` seconds. Raises StartFailed."""
        path = named("statefulsets", name)
        deadline = time.monotonic() + limit
        while True:
            item = await self.api.get(path)
            if item["status"].get("readyReplicas", 0) == item["spec"]["replicas"]:
                return
            await self._check(await self.pods.labelled(f"app={name}"), name, deadline)

    async def scale(self, workload: str, replicas: int, *, version: str = "v1") -> None:
        """Set the number of replicas; ends when the new ones serve and the old ones have ended."""
        name = deployment_of(known(workload), version)
        await self._scale(workload, replicas, version)
        await self._rolled_out(name)
        await self._wait_until_gone(f"app={workload},version={version}", left=replicas)

    async def _scale(self, workload: str, replicas: int, version: str) -> None:
        """An autoscaler that has figures to go by must not take back what was said by hand."""
        path = f"{AUTOSCALERS}/{workload}"
        if version == "v1" and (autoscaler := await self.api.find(path)):
            most = max(replicas, autoscaler["spec"]["maxReplicas"])
            await self.api.patch(path, {"spec": {"minReplicas": replicas, "maxReplicas": most}})
        await self.api.patch(
            f"{DEPLOYMENTS}/{deployment_of(workload, version)}", {"spec": {"replicas": replicas}}
        )

    async def autoscaling(self, on: bool, *workloads: str) -> None:
        """Let the autoscalers of these workloads act, or hold them still; without a name those of all workloads."""
        policy = {"selectPolicy": "Max" if on else "Disabled"}
        change = {"spec": {"behavior": {"scaleUp": policy, "scaleDown": policy}}}
        paths = [f"{AUTOSCALERS}/{workload}" for workload in workloads] or [
            f"{path}/{item['metadata']['name']}"
            for path in (AUTOSCALERS, ISTIOS)
            for item in await self.api.list(path)
        ]
        await asyncio.gather(*(self.api.patch(path, change) for path in paths))

    async def stop(self, workload: str, *, version: str | None = None) -> None:
        """Its Service, its account and its database stay."""
        selector = f"app={known(workload)}" + (f",version={version}" if version else "")
        left = 0
        for item in await self._deployments(workload):
            if version in (None, item["spec"]["template"]["metadata"]["labels"].get("version")):
                path = f"{DEPLOYMENTS}/{item['metadata']['name']}"
                await self.api.delete(path, propagationPolicy="Background")
            else:
                left += 1
        if version in (None, "v1"):
            await self.api.delete(f"{AUTOSCALERS}/{workload}")
        await self._wait_until_gone(selector, left=0)
        if not left:  # Kiali would warn of a Sidecar without a workload (KIA0004)
            await self.mesh.delete([scope_of(workload)])

    async def _deployments(self, workload: str) -> list[Object]:
        """One for each version."""
        return [
            item
            for item in await self.api.list(DEPLOYMENTS)
            if item["spec"]["template"]["metadata"]["labels"].get("app") == workload
        ]

    async def restart(self, workload: str, *, env: Mapping[str, str] | None = None) -> None:
        """Replace the workload's pods one after another; `env` replaces the settings that it was started with."""
        items = await self._deployments(known(workload))
        await asyncio.gather(*(self._replace(workload, item, env) for item in items))

    async def _replace(self, workload: str, item: Object, env: Mapping[str, str] | None) -> None:
        name, template = item["metadata"]["name"], item["spec"]["template"]
        version = template["metadata"]["labels"]["version"]
        old = {p["metadata"]["name"] for p in await self.pods.labelled(f"app={workload},version={version}")}
        stamp = {STARTED: f"{time.time():.3f}"}
        if env is None:
            await self.api.patch(
                f"{DEPLOYMENTS}/{name}", {"spec": {"template": {"metadata": {"annotations": stamp}}}}
            )
        else:
            replicas = item["spec"]["replicas"]
            fresh = deployment(await self.rendered.of(workload), version, env, replicas)
            fresh["spec"]["template"]["metadata"]["annotations"] |= stamp
            await self.api.apply(fresh)
        await self._wait_until_replaced(workload, name, old)

    async def roll_out(self, workload: str, item: Object) -> None:
        """This Deployment in the place of the one that runs."""
        name = item["metadata"]["name"]
        old = {pod["metadata"]["name"] for pod in await self.pods.labelled(f"app={workload},version=v1")}
        before = await self.api.get(f"{DEPLOYMENTS}/{name}")
        await self.api.apply(item)
        if (await self.api.get(f"{DEPLOYMENTS}/{name}"))["metadata"]["generation"] != before["metadata"][
            "generation"
        ]:
            await self._wait_until_replaced(workload, name, old)

    async def _wait_until_replaced(self, workload: str, name: str, old: set[str]) -> None:
        """None of the old ones is left; how many new ones there are is for the autoscaler to say."""
        await self._rolled_out(name)
        version = (await self.api.get(f"{DEPLOYMENTS}/{name}"))["spec"]["selector"]["matchLabels"]["version"]
        await self._wait_until_gone(f"app={workload},version={version}", without=old)

    async def settings(self, workload: str) -> dict[str, str]:
        """What it was started with beside its manifest."""
        item = await self.api.find(f"{DEPLOYMENTS}/{workload}")
        annotations = item["spec"]["template"]["metadata"].get("annotations", {}) if item else {}
        found: dict[str, str] = json.loads(annotations.get(EXTRA, "{}"))
        return found

    async def _rolled_out(self, name: str) -> None:
        """Every replica is a new one, ready, and known to all proxies."""
        path, deadline = f"{DEPLOYMENTS}/{name}", time.monotonic() + START_LIMIT
        while True:
            item = await self.api.get(path)
            labels = item["spec"]["selector"]["matchLabels"]
            if _is_complete(item):
                break
            selector = ",".join(f"{key}={value}" for key, value in labels.items())
            await self._check(await self.pods.labelled(selector), name, deadline)
        found = [p for p in await self.pods.of(labels["app"]) if condition(p, "Ready")]
        await self.mesh.knows_addresses({pod["status"]["podIP"] for pod in found})

    async def _wait_until_gone(
        self, selector: str, *, left: float = math.inf, without: Collection[str] = frozenset()
    ) -> None:
        deadline = time.monotonic() + STOP_LIMIT
        while True:
            pods = await self.pods.labelled(selector)
            names = {pod["metadata"]["name"] for pod in pods}
            if len(pods) <= left and names.isdisjoint(without) and not any(map(is_leaving, pods)):
                return
            if time.monotonic() > deadline:
                raise RuntimeFailure(f"{len(pods)} pods of {selector} are still there after {STOP_LIMIT:g} s")
            await asyncio.sleep(0.2)

    @staticmethod
    async def _check(pods: list[Object], name: str, deadline: float) -> None:
        for pod in pods:
            for container in (*pod["status"].get("initContainerStatuses", ()), *statuses(pod)):
                waiting = container.get("state", {}).get("waiting", {})
                if waiting.get("reason") in HOPELESS:
                    why = waiting.get("message") or waiting["reason"]
                    raise StartFailed(f"{name}: {why}; are its images in the cluster? `make images`")
        if time.monotonic() > deadline:
            raise StartFailed(f"{name} is not ready: {'; '.join(map(_describe, pods)) or 'no pod was made'}")
        await asyncio.sleep(0.2)


def _is_complete(item: Any) -> bool:
    spec, status = item["spec"], item.get("status", {})
    wanted = spec["replicas"]
    counts = [status.get(f"{kind}Replicas", 0) for kind in ("updated", "available", "ready")]
    current = status.get("observedGeneration", 0) >= item["metadata"]["generation"]
    return current and counts == [wanted] * 3 and status.get("replicas", 0) == wanted


def _describe(pod: Object) -> str:
    waits = [
        f"{c['name']} {c['state']['waiting'].get('reason', '')} {c['state']['waiting'].get('message', '')}".strip()
        for c in (*pod["status"].get("initContainerStatuses", ()), *statuses(pod))
        if "waiting" in c.get("state", {})
    ]
    return (
        f"{pod['metadata']['name']} is {pod['status'].get('phase')}{': ' if waits else ''}{', '.join(waits)}"
    )


def known(workload: str) -> str:
    """The name, if it is that of a workload. Raises RuntimeFailure with the names that are."""
    if workload not in workloads():
        raise RuntimeFailure(f"there is no workload {workload}; there are {', '.join(workloads())}")
    return workload


def scope_of(workload: str) -> Path:
    """The Sidecar that says what a workload can reach."""
    return SCOPES / f"egress-{workload}.yaml"


def deployment_of(workload: str, version: str) -> str:
    """The name of a version's Deployment."""
    return workload if version == "v1" else f"{workload}-{version}"
