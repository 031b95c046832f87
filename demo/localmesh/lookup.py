"""Processes and sidecars by the names that clients give them."""

from runtime.api import NeedsMesh, NotRunning, Part

from localmesh.fleet import Fleet
from localmesh.infrastructure import Infrastructure
from localmesh.process import Process
from localmesh.sidecar import Proxy


class Lookup:
    def __init__(self, infrastructure: Infrastructure, fleet: Fleet) -> None:
        self._infra = infrastructure
        self._fleet = fleet

    def process(self, workload: str, part: Part, replica: int = 0) -> Process:
        """Of a workload's replica, or of the infrastructure."""
        infrastructure = self._infra.processes()
        if workload in infrastructure:
            process = infrastructure[workload]
            if process is None:
                raise NeedsMesh(f"there is no {workload} without the mesh (MESH=off)")
            return process
        running = self._fleet.replicas(workload)
        if replica >= len(running):
            raise NotRunning(f"{workload} has {len(running)} replicas")
        chosen = running[replica]
        if part == "app":
            return chosen.app
        if chosen.proxy_process is None:
            raise NeedsMesh("there are no sidecars without the mesh (MESH=off)")
        return chosen.proxy_process

    def proxies(self, workload: str) -> list[Proxy]:
        """Its sidecars, or the gateway."""
        if self._infra.ingress is None:
            raise NeedsMesh("there are no proxies without the mesh (MESH=off)")
        if workload == "ingress":
            return [self._infra.ingress]
        return [r.proxy for r in self._fleet.replicas(workload) if r.proxy is not None]

    def first_proxy(self, workload: str) -> Proxy:
        proxies = self.proxies(workload)
        if not proxies:
            raise NotRunning(f"{workload} is not running")
        return proxies[0]

    def all_proxies(self) -> list[Proxy]:
        """The gateway first; none without the mesh."""
        found = (self._infra.ingress, *(r.proxy for r in self._fleet.all()))
        return [proxy for proxy in found if proxy is not None]
