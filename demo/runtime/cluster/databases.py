"""PostgreSQL and NATS of a cluster, as others connect to them (runtime.api.Databases)."""

import base64
from dataclasses import dataclass
from urllib.parse import quote

from runtime.cluster.api import Api, NotThere
from runtime.cluster.fleet import Fleet
from runtime.cluster.observing import Observing
from runtime.cluster.ports import Ports
from runtime.cluster.render import named

POSTGRES, NATS = 5432, 4222


@dataclass(frozen=True, slots=True)
class ClusterDatabases:
    """The databases of the cluster, each behind a forwarded port."""

    api: Api
    ports: Ports
    fleet: Fleet
    telemetry: Observing

    async def has(self, database: str) -> bool:
        """Whether its StatefulSet is there."""
        return await self.api.find(named("statefulsets", f"{database}-db")) is not None

    async def url(self, workload: str) -> str:
        """As the pod has it: its host is a name in the cluster."""
        own = (await self.fleet.settings(workload)).get("DATABASE_URL")
        return own or await self._secret(f"{workload}-db", "url")

    async def _secret(self, name: str, key: str) -> str:
        try:
            secret = await self.api.get(named("secrets", name))
        except NotThere:
            return ""
        return base64.b64decode(secret["data"][key]).decode()

    async def admin_url(self, database: str) -> str:
        """The URL of the superuser, through a forwarded port of this machine."""
        password = await self._secret(f"{database}-db-admin", "password")
        port = await self.ports.of(f"{database}-db", POSTGRES, f"app={database}-db")
        return f"postgresql://postgres:{quote(password)}@127.0.0.1:{port}/{database}?sslmode=disable"

    async def replication_conninfo(self, database: str) -> str:
        """The libpq connection string by which another database of the cluster reads from this one."""
        password = await self._secret(f"{database}-db-admin", "password")
        return f"host={database}-db port={POSTGRES} dbname={database} user=postgres password={password}"

    async def log(self, database: str, lines: int) -> list[str]:
        """The last lines that the database's server has written."""
        return await self.telemetry.database_log(database, lines)

    async def nats_url(self) -> str:
        """The URL of the queue, through a forwarded port of this machine."""
        return f"nats://127.0.0.1:{await self.ports.of('nats', NATS, 'app=nats')}"
