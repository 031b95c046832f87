"""What breaks an instance on purpose (runtime.api.Faults)."""

from runtime.api import Infrastructure as Name
from runtime.api import Part

from localmesh.infrastructure import Infrastructure
from localmesh.lookup import Lookup


class LocalFaults:
    def __init__(self, infrastructure: Infrastructure, lookup: Lookup) -> None:
        self._infra = infrastructure
        self._lookup = lookup

    async def kill(self, workload: str, part: Part = "app", replica: int = 0) -> None:
        self._lookup.process(workload, part, replica).kill()

    async def freeze(self, workload: str, replica: int = 0) -> None:
        self._lookup.process(workload, "app", replica).freeze()

    async def stop_infrastructure(self, name: Name) -> None:
        await self._infra.take_away(name)

    async def start_infrastructure(self, name: Name) -> None:
        await self._infra.bring_back(name)
