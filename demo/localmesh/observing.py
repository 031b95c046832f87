"""What an instance says of itself: logs, counters, traces, use of the machine (runtime.api.Telemetry)."""

import asyncio

import psutil
from runtime.api import Event, NeedsMesh, Part, Usage
from telemetry.edges import EdgeCounters, read, summed
from telemetry.figures import Figures
from telemetry.spans import Span, SpanStore

from localmesh.events import Events
from localmesh.fleet import Fleet
from localmesh.infrastructure import Infrastructure
from localmesh.lookup import Lookup
from localmesh.process import tail


class Observing:
    def __init__(
        self,
        infrastructure: Infrastructure,
        fleet: Fleet,
        lookup: Lookup,
        events: Events,
        spans: SpanStore,
        figures: Figures,
    ) -> None:
        self._infra = infrastructure
        self._fleet = fleet
        self._lookup = lookup
        self._events = events
        self._spans = spans
        self._figures = figures

    async def logs(self, workload: str, part: Part = "app", lines: int = 100) -> list[str]:
        running = self._fleet.replicas(workload)
        if not running:
            log = (
                self._lookup.process(workload, part).log
                if workload in self._infra.processes()
                else self._infra.log(workload)
            )
            return await asyncio.to_thread(tail, log, lines)
        logs = [self._lookup.process(workload, part, number).log for number in range(len(running))]
        return [line for log in logs for line in await asyncio.to_thread(tail, log, lines)]

    async def counters(self, workload: str, prefix: str = "", *, matching: str = "") -> dict[str, float]:
        total: dict[str, float] = {}
        for proxy in self._lookup.proxies(workload):
            for name, value in (await proxy.admin.statistics(prefix, matching)).items():
                total[name] = total.get(name, 0.0) + value
        return total

    async def edges(self) -> list[EdgeCounters]:
        if self._infra.ingress is None:
            raise NeedsMesh("nobody counts the calls without the mesh (MESH=off)")
        texts = await asyncio.gather(
            *(proxy.admin.prometheus("istio.request") for proxy in self._lookup.all_proxies()),
            return_exceptions=True,
        )
        return summed(read(text) for text in texts if isinstance(text, str))  # one may just be restarting

    async def report(self, name: str, value: float, **labels: str) -> None:
        self._figures.report(name, value, labels)

    async def trace(self, trace_id: str) -> list[Span]:
        return self._spans.trace(trace_id)

    async def traces(self, order_id: str = "", limit: int = 20) -> list[list[Span]]:
        return self._spans.of_order(order_id)[:limit] if order_id else self._spans.recent(limit)

    async def memory(self) -> dict[str, int]:
        return await asyncio.to_thread(self._memory)

    def _memory(self) -> dict[str, int]:
        us = psutil.Process()
        usage = {"supervisor": us.memory_full_info().pss}
        owners = {p.pid: name for name, p in self._infra.processes().items() if p is not None}
        owners[self._infra.prefork.pid] = "prefork"
        for replica in self._fleet.all():
            owners |= {p.pid: p.name for p in replica.processes}
        for pid, name in owners.items():
            if pid is None:
                continue
            try:
                main = psutil.Process(pid)
                usage[name] = main.memory_full_info().pss
                for child in main.children(recursive=True):
                    label = f"{name} {child.name()}"
                    usage[label] = usage.get(label, 0) + child.memory_full_info().pss
            except psutil.Error:
                continue
        return usage

    async def cpu(self) -> dict[str, float]:
        used: dict[str, float] = {}
        for replica in self._fleet.all():
            name = replica.manifest.name
            used[name] = used.get(name, 0.0) + sum(_cpu_of(p.pid) for p in replica.processes)
        return used

    async def usage(self, workload: str, version: str = "v1") -> Usage:
        pids = [replica.app.pid for replica in self._fleet.replicas(workload, version)]
        return Usage(sum(map(_cpu_of, pids)), sum([await asyncio.to_thread(_memory_of, pid) for pid in pids]))

    async def events(self, since: int = 0) -> list[Event]:
        return self._events.since(since)


def _cpu_of(pid: int | None) -> float:
    """Seconds, of the process and of its children."""
    try:
        return float(sum(sum(one.cpu_times()[:2]) for one in _family(pid)))
    except psutil.Error:
        return 0.0


def _memory_of(pid: int | None) -> int:
    """The proportional set size of the process and of its children."""
    try:
        return sum(one.memory_full_info().pss for one in _family(pid))
    except psutil.Error:
        return 0


def _family(pid: int | None) -> list[psutil.Process]:
    """Raises psutil.Error where the process has ended."""
    if pid is None:
        return []
    main = psutil.Process(pid)
    return [main, *main.children(recursive=True)]
