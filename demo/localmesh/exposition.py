"""What Prometheus reads of this runtime: where to scrape, and what has no endpoint of its own.

In a cluster the same names come from kubelet's cAdvisor, postgres_exporter and pods that are annotated.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TypedDict

import asyncpg
import psutil
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from telemetry.figures import Figures, line

from localmesh.fleet import METRICS_PORT, Fleet
from localmesh.infrastructure import Infrastructure
from localmesh.process import Process

WEIGHED_EVERY = 10.0  # seconds
TEXT = "text/plain; version=0.0.4"
DATABASES = """
    select datname, numbackends, xact_commit, xact_rollback, blks_read, blks_hit, tup_returned, tup_fetched,
           tup_inserted, tup_updated, tup_deleted, deadlocks, temp_bytes, pg_database_size(datid) as size
    from pg_stat_database where datname !~ '^(template|postgres)'
"""
ACTIVITY = """
    select datname, state, count(*) from pg_stat_activity
    where datname !~ '^postgres' and state <> '' group by 1, 2
"""
SLOTS = """
    select slot_name, slot_type, database, active, wal_status, safe_wal_size,
           pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) as behind
    from pg_replication_slots where slot_type = 'logical'
"""


class Targets(TypedDict):
    """What Prometheus scrapes: addresses, and the labels of their figures."""

    targets: list[str]
    labels: dict[str, str]


class Exposition:
    def __init__(self, infrastructure: Infrastructure, fleet: Fleet, figures: Figures) -> None:
        self._infra = infrastructure
        self._fleet = fleet
        self._figures = figures
        self._connection: asyncpg.Connection | None = None
        self._memory: dict[int, int] = {}
        self._weighed = 0.0

    def routes(self) -> list[Route]:
        return [Route("/metrics", self._metrics), Route("/targets/{job}", self._targets)]

    async def _metrics(self, _: Request) -> Response:
        if time.monotonic() - self._weighed > WEIGHED_EVERY:
            self._memory, self._weighed = await asyncio.to_thread(self._weigh), time.monotonic()
        lines = [self._figures.text(), *self._processes(), *await self._postgres()]
        return PlainTextResponse("\n".join(lines) + "\n", media_type=TEXT)

    async def _targets(self, request: Request) -> Response:
        """https://prometheus.io/docs/prometheus/latest/http_sd/"""
        found = {"envoy": self._envoys, "istiod": self._istiod, "edge": self._edges}.get(
            request.path_params["job"]
        )
        return JSONResponse(list(found()) if found else [], 200 if found else 404)

    def _envoys(self) -> Iterator[Targets]:
        port = self._infra.instance.ports["admin"]
        proxies = [(r.manifest.name, r.version, r.proxy) for r in self._fleet.all()]
        for workload, version, proxy in [("istio-ingressgateway", "", self._infra.ingress), *proxies]:
            if proxy is not None:
                labels = {
                    "workload": workload,
                    "version": version,
                    "namespace": proxy.namespace,
                    "pod": proxy.name,
                }
                yield {"targets": [f"{proxy.ip}:{port}"], "labels": labels}

    def _istiod(self) -> Iterator[Targets]:
        if self._infra.istiod is not None:
            instance = self._infra.instance
            yield {
                "targets": [f"{instance.istiod_ip}:{instance.ports['monitoring']}"],
                "labels": {"app": "istiod"},
            }

    def _edges(self) -> Iterator[Targets]:
        for replica in self._fleet.all():
            if replica.manifest.health_path:
                labels = {
                    "workload": replica.manifest.name,
                    "version": replica.version,
                    "pod": replica.app.name,
                }
                yield {"targets": [f"{replica.ip}:{METRICS_PORT}"], "labels": labels}

    def _processes(self) -> Iterator[str]:
        yield "# TYPE figtree_process_cpu_seconds_total counter"
        yield "# TYPE figtree_process_memory_bytes gauge"
        family_of = _families()
        for workload, pod, part, process in self._list_running():
            with contextlib.suppress(psutil.Error):
                seconds = sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in family_of(process.pid))
                labels = {"workload": workload, "pod": pod, "part": part}
                yield line("figtree_process_cpu_seconds_total", seconds, **labels)
                if process.pid in self._memory:
                    yield line("figtree_process_memory_bytes", self._memory[process.pid], **labels)

    def _weigh(self) -> dict[int, int]:
        """Proportional set sizes, which the kernel needs milliseconds to add up."""
        family_of, found = _families(), dict[int, int]()
        for _, _, _, process in list(self._list_running()):
            with contextlib.suppress(psutil.Error):
                pid = process.pid or 0
                found[pid] = sum(psutil.Process(one).memory_full_info().pss for one in family_of(pid))
        return found

    def _list_running(self) -> Iterator[tuple[str, str, str, Process]]:
        for name, process in self._infra.processes().items():
            part = "proxy" if name == "ingress" else "control" if name == "istiod" else "app"
            if process is not None and process.pid is not None:
                yield name, name, part, process
        for replica in self._fleet.all():
            for part, process in zip(("app", "proxy"), replica.processes, strict=False):
                if process.pid is not None:
                    yield replica.manifest.name, replica.app.name, part, process

    async def _postgres(self) -> list[str]:
        """Under the names that postgres_exporter gives them; nothing while the server is away."""
        try:
            if self._connection is None or self._connection.is_closed():
                url = self._infra.postgres.admin_url("postgres")
                self._connection = await asyncpg.connect(url, command_timeout=5)
            return [line("pg_up", 1), *await _database_lines(self._connection)]
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            if self._connection is not None:
                self._connection.terminate()
                self._connection = None
            return [line("pg_up", 0)]


def _families() -> Callable[[int | None], list[int]]:
    """A process and what descends from it, by one look at all."""
    children: dict[int, list[int]] = {}
    for process in psutil.process_iter(["ppid"]):
        children.setdefault(process.info["ppid"], []).append(process.pid)

    def of(pid: int | None) -> list[int]:
        return [pid, *(one for child in children.get(pid, ()) for one in of(child))] if pid else []

    return of


async def _database_lines(connection: asyncpg.Connection) -> list[str]:
    lines = []
    for row in await connection.fetch(DATABASES):
        name = row["datname"]
        lines.append(line("pg_database_size_bytes", row["size"], datname=name))
        figures = {column: value for column, value in row.items() if column not in ("datname", "size")}
        lines += [
            line(f"pg_stat_database_{column}", value, datname=name) for column, value in figures.items()
        ]
    for datname, state, count in await connection.fetch(ACTIVITY):
        lines.append(line("pg_stat_activity_count", count, datname=datname, state=state))
    for slot in await connection.fetch(SLOTS):
        labels = {"slot_name": slot["slot_name"], "database": slot["database"]}
        lines.append(line("pg_replication_slot_is_active", float(slot["active"]), **labels))
        lines.append(line("pg_replication_slots_pg_wal_lsn_diff", float(slot["behind"] or 0), **labels))
        labels = {"slot_name": slot["slot_name"], "slot_type": slot["slot_type"]}
        lines.append(line("pg_replication_slot_slot_is_active", float(slot["active"]), **labels))
        if slot["safe_wal_size"] is not None:
            lines.append(line("pg_replication_slot_safe_wal_size_bytes", slot["safe_wal_size"], **labels))
        lines.append(line("pg_replication_slot_wal_status", 1, **labels, wal_status=slot["wal_status"]))
    return sorted(lines)
