"""What the strangler has to know of the place where the library runs: two databases, two processes."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
from runtime.api import Command, CommandFailed, StartFailed, WorkloadStatus


class Surroundings:
    """As much of runtime.api.Runtime as a step without a mesh uses.

    `databases` has the administrator's URL of each database, `processes` the URL of each process, `log` is the file
    that the database server writes.
    """

    capabilities: frozenset[str] = frozenset()

    def __init__(self, databases: Mapping[str, str], processes: Mapping[str, str], log: Path) -> None:
        self._urls, self._processes, self._log = databases, processes, log

    @classmethod
    def of(cls, file: Path) -> "Surroundings":
        """What a JSON file says."""
        said = json.loads(file.read_text())
        return cls(said["databases"], said["processes"], Path(said["log"]))

    @property
    def workloads(self) -> "Surroundings":
        """Every part of the runtime is this object."""
        return self

    databases = telemetry = workloads

    async def statuses(self) -> list[WorkloadStatus]:
        """Of each process that answers."""
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            running = [name for name, url in self._processes.items() if await _answers(client, url)]
        return [WorkloadStatus(name, "v1", 0, "ready", None, True, 0, "") for name in running]

    async def start(self, workload: str) -> None:
        """Wait until it answers: somebody else starts it. Raises StartFailed after 30 s."""
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            for _ in range(300):
                if await _answers(client, self._processes[workload]):
                    return
                await asyncio.sleep(0.1)
        raise StartFailed(
            f"{workload} does not answer at {self._processes[workload]}: start it, and repeat this"
        )

    async def stop(self, workload: str) -> None:
        """It may go on running: nobody calls it any more."""

    async def command(self, workload: str, *args: str) -> Command:
        """There are no newcomers whose databases would have to be seeded. Raises CommandFailed."""
        raise CommandFailed(f"{workload} has no command {' '.join(args)}")

    async def has(self, database: str) -> bool:
        """Whether there is such a database."""
        return database in self._urls

    async def admin_url(self, database: str) -> str:
        """The superuser's URL of the database."""
        return self._urls[database]

    async def replication_conninfo(self, database: str) -> str:
        """What a subscription connects with: the same, as both databases are of one network."""
        return self._urls[database]

    async def log(self, database: str, lines: int) -> list[str]:
        """The last lines of the server's log, in which an apply worker's error is looked for."""
        return self._log.read_text().splitlines()[-lines:]

    async def report(self, name: str, value: float, **labels: str) -> None:
        """Print a figure."""
        sys.stdout.write(f"  {name} {' '.join(labels.values())} {value:g}\n")


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/healthz")).is_success
    except httpx.TransportError:
        return False
