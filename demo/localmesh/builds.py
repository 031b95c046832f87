"""Compilations of services under way, so that nobody who starts one of them holds a request open for minutes."""

import asyncio
from pathlib import Path

from runtime.manifests import Manifest

from localmesh.go_services import GoService, service_of


class Builds:
    """Of one supervisor; each service is compiled once, however many wait for it."""

    def __init__(self) -> None:
        self._services: dict[str, GoService] = {}
        self._tasks: dict[str, asyncio.Task[Path]] = {}
        self._doing: dict[str, str] = {}

    async def look(self, described: Manifest) -> str:
        """Begin to compile what the workload runs, if it is not there; what is done, "" if nothing is left to do.

        Raises RuntimeFailure if it cannot be compiled; the next look begins again.
        """
        name = service_of(described.image)
        if not name or await asyncio.to_thread(GoService(name).binary.exists):
            return ""
        task = self._begin(name)
        await asyncio.wait({task}, timeout=0.5)
        if not task.done():
            return self._doing.get(name, f"compiling {name}")
        self._tasks.pop(name, None)
        task.result()
        return ""

    async def binary(self, described: Manifest) -> Path:
        """The program of the workload. Raises RuntimeFailure if it cannot be compiled."""
        name = service_of(described.image)
        task = self._begin(name)
        try:
            return await asyncio.shield(task)
        finally:
            if task.done():
                self._tasks.pop(name, None)

    def _begin(self, name: str) -> asyncio.Task[Path]:
        """The compilation under way, or one that has ended and whose end nobody has heard of."""
        if name not in self._tasks:
            service = self._services[name] = GoService(name)

            def tell(text: str) -> None:
                self._doing[name] = text

            self._tasks[name] = asyncio.create_task(asyncio.to_thread(service.ensure, tell))
        return self._tasks[name]

    def interrupt(self) -> None:
        """End what is under way; Go keeps what it has compiled."""
        for name in self._tasks:
            self._services[name].interrupt()
