"""Ports of whichever pod of a selector is ready, on this machine's loopback."""

from runtime.api import NotRunning
from runtime.cluster.forward import Forwards, Pod
from runtime.cluster.pods import Pods, name_of
from runtime.cluster.render import condition
from runtime.manifests import NAMESPACE


class Ports:
    """Ports of this machine for Services of the cluster."""

    def __init__(self, pods: Pods, forwards: Forwards) -> None:
        self._pods = pods
        self._forwards = forwards

    async def of(self, name: str, port: int, selector: str, namespace: str = NAMESPACE) -> int:
        """A port on 127.0.0.1 that leads to that port of a ready pod with these labels. Raises NotRunning."""

        async def there() -> Pod:
            found = await self._pods.labelled(selector, namespace)
            if not found:
                raise NotRunning(f"{name} is not running")
            return name_of(next((pod for pod in found if condition(pod, "Ready")), found[0]))

        return await self._forwards.port(name, port, there)
