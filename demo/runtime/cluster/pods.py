"""Pods, and what they say of the workloads."""

from collections.abc import Iterator

from runtime.api import NotRunning, Object, WorkloadStatus
from runtime.cluster.api import Api
from runtime.cluster.render import condition, named
from runtime.manifests import NAMESPACE, workloads

SYSTEM = "istio-system"
PROXY = "istio-proxy"
CALLER = "caller"
PLACES = {  # what is no workload of ours: namespace, label, container
    "istiod": (SYSTEM, "app=istiod", "discovery"),
    "ingress": (SYSTEM, "istio=ingressgateway", PROXY),
    "nats": (NAMESPACE, "app=nats", "nats"),
}
DATABASES = "app in (monolith-db,currency-db,title-db,pricing-db,customer-db,order-db)"


def is_leaving(pod: Object) -> bool:
    """Whether the pod is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


def is_over(pod: Object) -> bool:
    """Whether the pod has ended for good."""
    return pod["status"].get("phase") in ("Succeeded", "Failed")


def name_of(pod: Object) -> tuple[str, str]:
    """The namespace and the name of the pod."""
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


def statuses(pod: Object) -> Iterator[Object]:
    """Of its containers, the native sidecar's included."""
    status = pod["status"]
    yield from status.get("containerStatuses", ())
    yield from (one for one in status.get("initContainerStatuses", ()) if one["name"] == PROXY)


def container_id(pod: Object, container: str) -> str:
    """Without the engine's name before it."""
    found = (one for one in statuses(pod) if one["name"] == container)
    return next((one.get("containerID", "") for one in found), "").rpartition("/")[2]


class Pods:
    """The system's pods, as the API server lists them."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def labelled(self, selector: str, namespace: str = NAMESPACE) -> list[Object]:
        """The oldest first."""
        found = await self._api.list(named("pods", "", namespace), labelSelector=selector)
        return sorted(
            (pod for pod in found if not is_over(pod)),
            key=lambda pod: (
                pod["metadata"]["labels"].get("version", ""),
                pod["metadata"]["creationTimestamp"],
                pod["metadata"]["name"],
            ),
        )

    async def of(self, name: str) -> list[Object]:
        """Of a workload, or of "istiod", "ingress", "nats", without those that are leaving."""
        if name in PLACES:
            namespace, selector, _ = PLACES[name]
            found = await self.labelled(selector, namespace)
        else:
            found = await self.labelled(f"app={name}")
        return [pod for pod in found if not is_leaving(pod)]

    async def first(self, name: str) -> Object:
        """The first that is ready, else the first."""
        found = await self.of(name)
        if not found:
            raise NotRunning(f"{name} is not running")
        return next((pod for pod in found if condition(pod, "Ready")), found[0])

    async def statuses(self) -> list[WorkloadStatus]:
        """The status of each replica of each workload."""
        seen: dict[tuple[str, str], int] = {}
        found = []
        for pod in await self.labelled(f"app in ({','.join(workloads())})"):
            labels = pod["metadata"]["labels"]
            key = (labels["app"], labels.get("version", ""))
            number = seen[key] = seen.get(key, -1) + 1
            restarts = sum(one["restartCount"] for one in statuses(pod))
            ready = condition(pod, "Ready") and not is_leaving(pod)
            found.append(
                WorkloadStatus(
                    *key,
                    number,
                    _state(pod, ready, restarts),
                    None,
                    ready,
                    restarts,
                    pod["status"].get("podIP", ""),
                    pod["metadata"]["name"] + container_id(pod, key[0])[:12],
                    pod["spec"].get("nodeName", ""),
                    pod["metadata"]["name"],
                )
            )
        return found


def _state(pod: Object, ready: bool, restarts: int) -> str:
    if is_leaving(pod):
        return "stopping"
    if ready:
        return "ready"
    return "failing" if restarts else "starting"
