"""The objects istiod is fed with: validated, written whole or not at all, watched at their source."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

import yaml
from runtime.api import NotInForce, Object, Refused
from runtime.mesh_objects import RULES_OF_CONNECTIONS, is_gone, is_loaded, key, read

from localmesh.events import Events
from localmesh.fake_apiserver import FakeApiServer, serves
from localmesh.istiod import Istiod
from localmesh.objects import service_entry

GENERATION = "figtree.example/generation"
SYNC_LIMIT = 20.0  # seconds for every proxy to take what a user applies
ENDPOINT_LIMIT = 5.0  # the same for a replica that comes or goes by itself: a late proxy must not hold it up
DRAIN_LIMIT = 5.0


def _stamp(path: Path) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        status = path.stat()
        return status.st_mtime_ns, status.st_size
    return None


def _loaded_as(name: str) -> str:
    """istiod has no Service here, but what is derived from it."""
    kind, _, rest = name.partition("/")
    return f"ServiceEntry/{rest}" if kind == "Service" else name


async def _never() -> bool:
    return False


def _nothing() -> None: ...


class MeshConfig:
    def __init__(self, istiod: Istiod, api: FakeApiServer, events: Events) -> None:
        self._istiod = istiod
        self._api = api
        self._events = events
        self._generation = 0
        self._lock = asyncio.Lock()
        self.sources: dict[str, Path] = {}
        self.changed: Callable[[], None] = _nothing  # called whenever the sources have changed
        self.draining: Callable[[], Awaitable[bool]] = _never
        self._written: set[str] = set()
        self._leaving: set[str] = set()  # removed, but istiod may not have noticed
        self._seen: dict[Path, tuple[int, int] | None] = {}

    async def restore(self, paths: Sequence[Path]) -> None:
        """Before istiod starts: what it had accepted from these files in an earlier life."""
        objects = [(path, item) for path in paths if path.exists() for item in read(path)]
        await self.write([item for _, item in objects], wait=False)
        self.sources |= {key(item): path for path, item in objects}
        self._seen |= {path: _stamp(path) for path in paths}

    async def apply(self, paths: Sequence[Path]) -> None:
        stamps = {path: _stamp(path) for path in paths}
        objects = [(path, item) for path in paths for item in read(path)]
        for path, item in objects:
            try:
                await self._istiod.validate(item)
            except Refused as error:
                raise Refused(f"{path}: {error}") from None
        late = await self.write([item for _, item in objects], limit=SYNC_LIMIT)
        for path, item in objects:
            self.sources.pop(key(item), None)  # so that they stand in the order in which they were applied
            self.sources[key(item)] = path
            self._events.add("applied", key(item), str(path))
        self._seen |= stamps
        self.changed()
        if late:
            raise NotInForce(late)

    async def delete(self, paths: Sequence[Path]) -> None:
        names = {key(item) for path in paths for item in read(path)}
        late = await self.write([], remove=names, limit=SYNC_LIMIT)
        for name in names:
            self.sources.pop(name, None)
            self._events.add("deleted", name, "")
        self.changed()
        if late:
            raise NotInForce(late)

    async def take_over_edits(self) -> None:
        for path in set(self.sources.values()):
            if self._seen.get(path) != (stamp := _stamp(path)) and stamp is not None:
                self._seen[path] = stamp
                await self._source_changed(path)

    async def _source_changed(self, path: Path) -> None:
        """Only what is applied from this file and no longer from another one."""
        known = {name for name, source in self.sources.items() if source == path}
        try:
            items = {key(item): item for item in read(path)}
            if not items:
                raise Refused(f"{path} is empty; to take its objects away, delete them")
            fresh = {name: item for name, item in items.items() if name in known or name not in self.sources}
            for item in fresh.values():
                await self._istiod.validate(item)
        except Refused as error:
            self._events.add("refused", str(path), str(error))
            return
        gone = known - items.keys()
        await self.write(fresh.values(), remove=gone)
        for name in gone:
            del self.sources[name]
        self.sources |= dict.fromkeys(fresh, path)
        self._events.add("applied", ", ".join(sorted(fresh)), str(path))

    async def write(
        self,
        items: Iterable[Object],
        *,
        remove: Iterable[str] = (),
        wait: bool = True,
        limit: float = ENDPOINT_LIMIT,
    ) -> str:
        """Replace and remove objects; ends when every proxy has acknowledged it, or after `limit` seconds.

        Says which proxies have not, in an event and as its result, which is "" if all have.
        """
        async with self._lock:
            self._generation += 1
            mark = str(self._generation)
        names = []
        for item in items:
            metadata = item["metadata"]
            marked = {**metadata, "annotations": {**metadata.get("annotations", {}), GENERATION: mark}}
            names.append(self._put({**item, "metadata": marked}))
        self._written |= set(names)
        self._leaving -= set(names)
        removed = []
        for name in remove:
            self._api.discard(name)
            removed.append(loaded := _loaded_as(name))
            self._file(loaded).unlink(missing_ok=True)
            self._written.discard(loaded)
            self._leaving.add(loaded)
        if wait and (names or removed):
            changed = [*names, *removed]
            try:
                async with asyncio.timeout(limit):
                    await self._wait_until_pushed(names, removed, int(mark))
            except TimeoutError:
                late = await self._istiod.debug.missing(changed, limit)
                self._events.add("late", ", ".join(changed), late)
                return late
            if any(name.partition("/")[0] in RULES_OF_CONNECTIONS for name in changed):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(DRAIN_LIMIT):
                        await self._wait_until_drained()
        return ""

    async def in_force(self) -> Object:
        """What istiod has, without what we derive from the workloads."""
        objects = await self._istiod.debug.objects()
        self._leaving &= objects.keys()
        hidden = (self._written - self.sources.keys()) | self._leaving
        shown = {name: item["spec"] for name, item in self._api.objects().items() if name in self.sources}
        return shown | {name: spec for name, spec in objects.items() if name not in hidden}

    def _file(self, name: str) -> Path:
        return self._istiod.config / (name.replace("/", "_").lower() + ".yaml")

    def _put(self, item: Object) -> str:
        """Hand the object to istiod; returns the name under which istiod says that it has it."""
        if serves(item):
            self._api.put(self._istiod.admit(item))
            if item["kind"] != "Service":
                return key(item)
            notes = item["metadata"]["annotations"]
            item = service_entry(item)
            item["metadata"]["annotations"] = notes
        path = self._file(key(item))
        part = path.with_suffix(".part")  # istiod reads .yaml only
        part.write_text(yaml.safe_dump(item, sort_keys=False))
        part.replace(path)
        return key(item)

    async def _wait_until_drained(self) -> None:
        """An open connection keeps the listener's old rules until it is drained."""
        while await self.draining():
            await asyncio.sleep(0.05)

    async def _wait_until_pushed(self, names: list[str], removed: list[str], mark: int) -> None:
        while True:
            with contextlib.suppress(Exception):  # istiod may be restarting: it will read the folder
                known = await self._istiod.debug.knows()
                new = all(
                    is_loaded(name, known) and int(known[name].get(GENERATION, 0)) >= mark for name in names
                )
                if new and all(is_gone(name, known) for name in removed):
                    break
            await asyncio.sleep(0.04)
        await asyncio.sleep(0.08)  # istiod gathers changes for 20 ms before it pushes
        while True:
            with contextlib.suppress(Exception):
                if not await self._istiod.debug.stale_proxies():
                    return
            await asyncio.sleep(0.04)
