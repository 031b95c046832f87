"""The proxies of the cluster, by their admin interfaces, and istiod by its own."""

import asyncio

from runtime.api import Object
from runtime.cluster.forward import Forwards, Pod
from runtime.cluster.pods import CALLER, PROXY, Pods, name_of, statuses
from runtime.envoy_admin import Admin
from runtime.manifests import NAMESPACE

ADMIN, DEBUG = 15000, 8080
MESHED = "security.istio.io/tlsMode=istio"  # the injector's label


class Proxies:
    """The admin interfaces of the proxies, each forwarded to a port of this machine."""

    def __init__(self, pods: Pods, forwards: Forwards) -> None:
        self._pods = pods
        self._forwards = forwards

    async def admin(self, pod: Object) -> Admin:
        """The admin interface of the pod's proxy."""
        where = name_of(pod)

        async def there() -> Pod:
            return where

        return Admin(f"127.0.0.1:{await self._forwards.port('/'.join(where), ADMIN, there)}")

    async def istiod(self) -> str:
        """The base URL of istiod's debug interface."""

        async def there() -> Pod:
            return name_of(await self._pods.first("istiod"))

        return f"http://127.0.0.1:{await self._forwards.port('istiod', DEBUG, there)}"

    async def of(self, workload: str) -> list[Admin]:
        """Its sidecars, and those of the pods that call in its name."""
        pods = await self._pods.of(workload)
        if workload != "ingress":
            pods += await self._pods.labelled(f"app={CALLER},account={workload}")
        return [await self.admin(pod) for pod in pods if _runs(pod)]

    async def pods(self) -> list[Object]:
        """All whose sidecars run, and the gateway's."""
        pods = [*await self._pods.of("ingress"), *await self._pods.labelled(MESHED, NAMESPACE)]
        return [pod for pod in pods if _runs(pod)]

    async def all(self) -> dict[str, Admin]:
        """The admin interface of each running proxy, by the name of its pod."""
        return {pod["metadata"]["name"]: await self.admin(pod) for pod in await self.pods()}

    async def counters(self, workload: str, prefix: str, matching: str) -> dict[str, float]:
        """Statistics of the workload's proxies by name, summed over its replicas."""
        answers = await asyncio.gather(
            *(admin.statistics(prefix, matching) for admin in await self.of(workload))
        )
        total: dict[str, float] = {}
        for statistics in answers:
            for name, value in statistics.items():
                total[name] = total.get(name, 0.0) + value
        return total

    async def draining(self) -> bool:
        """Whether a proxy still has connections under rules that are no longer in force."""
        answers = await asyncio.gather(
            *(admin.draining() for admin in (await self.all()).values()), return_exceptions=True
        )
        return any(answer is True for answer in answers)


def _runs(pod: Object) -> bool:
    return any(one["name"] == PROXY and "running" in one.get("state", {}) for one in statuses(pod))
