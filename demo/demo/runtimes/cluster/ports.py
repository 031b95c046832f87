"""Ports of whichever pod of a selector is ready, on this machine's loopback."""

from demo.runtimes.cluster.forward import Forwards, Pod
from demo.runtimes.cluster.pods import Pods, name_of
from demo.runtimes.cluster.render import condition
from demo.runtimes.manifests import NAMESPACE
from demo.runtimes.runtime import NotRunning


class Ports:
    def __init__(self, pods: Pods, forwards: Forwards) -> None:
        self._pods = pods
        self._forwards = forwards

    async def of(self, name: str, port: int, selector: str, namespace: str = NAMESPACE) -> int:
        async def there() -> Pod:
            found = await self._pods.labelled(selector, namespace)
            if not found:
                raise NotRunning(f"{name} is not running")
            return name_of(next((pod for pod in found if condition(pod, "Ready")), found[0]))

        return await self._forwards.port(name, port, there)
