"""What a scene acts on: the runtime, a client at the edge, and a memory of everything that has to be undone."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
from runtime.api import Runtime

from scenes.engine.acknowledged import Acknowledged
from scenes.engine.burst import Burst, burst
from scenes.engine.result import Figure, NotSeen, Result

ISTIO = Path(__file__).resolve().parents[3] / "istio"
T = TypeVar("T")


class Stage:
    """Handed to a scene's act. With `negative_control`, the cause is left out, and the scene must fail."""

    def __init__(
        self,
        runtime: Runtime,
        result: Result,
        *,
        negative_control: bool = False,
        tell: Callable[[str], None] = lambda _: None,
        acknowledged: Acknowledged | None = None,
        measured: Callable[[Figure | str], None] = lambda _: None,
    ) -> None:
        self.runtime = runtime
        hooks = {"response": [acknowledged.see]} if acknowledged else None
        self.client = httpx.AsyncClient(
            base_url=runtime.edge(), timeout=30, trust_env=False, event_hooks=hooks
        )
        self.undo: list[Callable[[], Awaitable[object]]] = []  # run in reverse by the engine
        self._result = result
        self._negative_control = negative_control
        self._tell = tell
        self._measured = measured

    # what makes the effect happen

    async def apply(self, *names: str) -> None:
        """Put files under istio/ into force; the engine puts back what was there before."""
        if not self._negative_control:
            self._tell(f"apply {' '.join(names)}")
            await self.runtime.mesh.apply([ISTIO / name for name in names])

    async def prepare(self, *names: str) -> None:
        """Apply what the scene needs but claims nothing about; a negative control applies it, too."""
        await self.runtime.mesh.apply([ISTIO / name for name in names])

    @staticmethod
    def file(name: str) -> Path:
        """A file under istio/."""
        return ISTIO / name

    async def delete(self, *names: str) -> None:
        if not self._negative_control:
            await self.runtime.mesh.delete([ISTIO / name for name in names])

    async def cause(self, text: str, act: Callable[[], Awaitable[object]]) -> None:
        """Anything else that makes the effect happen: a kill, a stop, a setting."""
        if not self._negative_control:
            self._tell(text)
            await act()

    @asynccontextmanager
    async def variant(
        self, workload: str, version: str, env: Mapping[str, str] | None = None, replicas: int = 1
    ) -> AsyncIterator[None]:
        """Another version of a workload beside the first, inside the block."""
        await self.runtime.workloads.start(workload, version=version, env=env, replicas=replicas)
        try:
            yield
        finally:
            await asyncio.shield(self.runtime.workloads.stop(workload, version=version))

    # what is measured

    async def burst(self, method: str, path: str, count: int, concurrency: int = 4, **request: Any) -> Burst:
        """`count` requests at the edge, `concurrency` at a time."""
        return await burst(self.client, method, path, count, concurrency, **request)

    async def counted(self, workload: str, name: str) -> float:
        """The sum of the sidecars' counters of that workload whose name contains `name`."""
        return sum(
            value for key, value in (await self.runtime.telemetry.counters(workload)).items() if name in key
        )

    @asynccontextmanager
    async def counting(self, workload: str, *names: str) -> AsyncIterator[dict[str, float]]:
        """How much each counter grew inside the block; filled in when it ends."""
        grown: dict[str, float] = {}
        before = {name: await self.counted(workload, name) for name in names}
        yield grown
        for name in names:
            grown[name] = await self.counted(workload, name) - before[name]

    async def eventually(self, what: str, holds: Callable[[], Awaitable[T]], patience: float = 5.0) -> T:
        """Wait until `holds` gives something true, and return it; NotSeen if it never does."""
        until = time.monotonic() + patience
        while not (found := await holds()):
            if time.monotonic() > until:
                raise NotSeen(f"{what}: not within {patience:g} s")
            await asyncio.sleep(0.1)
        self._see(what)
        return found

    # what is said

    def figure(self, name: str, value: object, unit: str = "") -> None:
        shown = f"{value:.1f}" if isinstance(value, float) else str(value)
        self._result.figures.append(Figure(name, shown, unit))
        self._measured(self._result.figures[-1])

    def expect(self, holds: bool, what: str) -> None:
        """Fail the scene unless it holds; `what` carries the figure."""
        if not holds:
            raise NotSeen(what)
        self._see(what)

    def _see(self, what: str) -> None:
        self._result.seen.append(what)
        self._measured(what)

    def tell(self, text: str) -> None:
        self._tell(text)
