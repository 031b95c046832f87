"""PostgreSQL and NATS of an instance, as others connect to them (runtime.api.Databases)."""

from localmesh.fleet import Fleet
from localmesh.infrastructure import Infrastructure
from localmesh.observing import Observing


class LocalDatabases:
    def __init__(self, infrastructure: Infrastructure, fleet: Fleet, telemetry: Observing) -> None:
        self._infra = infrastructure
        self._fleet = fleet
        self._telemetry = telemetry

    async def has(self, database: str) -> bool:
        return await self._infra.postgres.has(database)

    async def url(self, workload: str) -> str:
        return (await self._fleet.environment(workload)).get("DATABASE_URL", "")

    async def admin_url(self, database: str) -> str:
        return self._infra.postgres.admin_url(database)

    async def replication_conninfo(self, database: str) -> str:
        return self._infra.postgres.conninfo(database)

    async def log(self, database: str, lines: int) -> list[str]:
        """One server has all databases."""
        return await self._telemetry.logs("postgres", lines=lines)

    async def nats_url(self) -> str:
        return self._infra.nats.url
