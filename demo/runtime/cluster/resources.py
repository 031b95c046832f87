"""The Istio resources in the cluster: written whole or not at all, until every proxy has them."""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import httpx

from runtime.api import NotInForce, Object, Refused, RuntimeFailure
from runtime.cluster.admin import Proxies
from runtime.cluster.api import CORE, Api, NotThere
from runtime.debug import Debug
from runtime.manifests import NAMESPACE, ROOT
from runtime.mesh_objects import GATEWAY_API, RULES_OF_CONNECTIONS, is_gone, is_loaded, key, read

FILE = "figtree.example/file"  # the state that an object is in, relative to the repository if it is in it
GENERATION = "figtree.example/generation"
CLUSTER_ONLY = "istio/cluster/"
SYSTEM = "istio-system"
ISTIO = ("networking.istio.io", "security.istio.io", "telemetry.istio.io")
SERVICES = ("Service", f"{CORE}/services")
INSTALLED = ("install.operator.istio.io/owning-resource", "app.kubernetes.io/managed-by")
PROBE = ROOT / "istio" / "mesh" / "peer-authentication.yaml"
SYNC_LIMIT = 20.0
DRAIN_LIMIT = 8.0
PUSH = 0.25  # seconds for which istiod gathers changes, and then some


class Resources:
    """Istio's resources: applied, deleted and watched until every proxy has them."""

    def __init__(self, api: Api, proxies: Proxies) -> None:
        self._api = api
        self._proxies = proxies
        self._kinds: list[tuple[str, str]] = []

    async def apply(self, paths: Sequence[Path]) -> None:
        """Apply all files or none; ends when every proxy has them. Raises Refused or NotInForce."""
        mark = str(time.time_ns())
        items = []
        for path in paths:
            for item in read(path):
                notes = {FILE: _relative(path), GENERATION: mark}
                metadata = item["metadata"]
                annotations = {**metadata.get("annotations", {}), **notes}
                items.append({**item, "metadata": {**metadata, "annotations": annotations}})
        for item in items:
            try:
                await self._api.put(item, dry_run=True)
            except Refused as error:
                raise Refused(f"{item['metadata']['annotations'][FILE]}: {error}") from None
        for item in items:
            await self._api.put(item)
        await self._wait_until_pushed({key(item): mark for item in items}, set())

    async def is_guarded(self) -> bool:
        """Does istiod answer the API server when that asks whether an object is valid, and has it all its proxies?"""
        (item,) = read(PROBE)
        try:
            await self._api.put(item, dry_run=True)
            return await (await self._debug()).connected() >= len(await self._proxies.all())
        except (RuntimeFailure, httpx.HTTPError):
            return False

    async def delete(self, paths: Sequence[Path]) -> None:
        """Delete the objects of the files; ends when every proxy has forgotten them."""
        items = [item for path in paths for item in read(path)]
        resources = await self._resources()
        for item in items:
            found = [p for kind, p in resources if kind == item["kind"]]
            for path in found:
                place = f"/namespaces/{item['metadata']['namespace']}"
                root, _, plural = path.rpartition("/")
                await self._api.delete(f"{root}{place}/{plural}/{item['metadata']['name']}")
        await self._wait_until_pushed({}, {key(item) for item in items})

    async def _wait_until_pushed(self, written: dict[str, str], removed: set[str]) -> None:
        late = ""
        try:
            async with asyncio.timeout(SYNC_LIMIT):
                await self._wait_until_loaded(written, removed)
                await asyncio.sleep(PUSH)
                await self.synchronised()
        except TimeoutError:
            late = await (await self._debug()).missing([*written, *removed], SYNC_LIMIT)
        if any(name.partition("/")[0] in RULES_OF_CONNECTIONS for name in (*written, *removed)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_LIMIT):
                    while await self._proxies.draining():
                        await asyncio.sleep(0.1)
        if late:
            raise NotInForce(late)

    async def _wait_until_loaded(self, written: dict[str, str], removed: set[str]) -> None:
        while True:
            with contextlib.suppress(Exception):  # istiod may be restarting
                known = await (await self._debug()).knows()
                new = all(
                    is_loaded(name, known) and known[name].get(GENERATION) == mark
                    for name, mark in written.items()
                    if not name.startswith("Service/")  # istiod shows none
                )
                if new and all(is_gone(name, known) for name in removed):
                    return
            await asyncio.sleep(0.1)

    async def _debug(self) -> Debug:
        return Debug(await self._proxies.istiod())

    async def synchronised(self) -> None:
        """Wait until every proxy has acknowledged what was sent to it."""
        while True:
            with contextlib.suppress(Exception):
                if not await (await self._debug()).stale_proxies():
                    return
            await asyncio.sleep(0.1)

    async def knows_addresses(self, addresses: Iterable[str]) -> None:
        """Wait until istiod has these endpoints, and the proxies have them from it."""
        wanted = set(addresses)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SYNC_LIMIT):
                while True:
                    with contextlib.suppress(Exception):
                        if wanted <= await (await self._debug()).addresses():
                            break
                    await asyncio.sleep(0.1)
                await asyncio.sleep(PUSH)
                await self.synchronised()

    async def applied(self) -> dict[str, Path]:
        """Kind/namespace/name of each applied object, and the file it came from."""
        found = {}
        for item in await self._objects():
            if file := item["metadata"].get("annotations", {}).get(FILE):
                found[key(item)] = ROOT / file  # an absolute path stays what it is
        return found

    async def in_force(self) -> dict[str, Object]:
        """Without what Istio's own installation brought, and without what only clusters get (istio/cluster)."""
        specs = {}
        for item in await self._objects():
            metadata = item["metadata"]
            file = metadata.get("annotations", {}).get(FILE, "")
            installed = (
                metadata["namespace"] == SYSTEM
                and not file
                and set(INSTALLED) & metadata.get("labels", {}).keys()
            )
            if not installed and not file.startswith(CLUSTER_ONLY):
                specs[key(item)] = item.get("spec") or {}
        return specs

    async def _objects(self) -> list[Object]:
        """Istio's in our namespaces; Services and what others may route by with the Gateway API, if they are ours."""
        found = []
        for kind, path in await self._resources():
            everybodys = not any(f"/{group}/" in path for group in ISTIO)
            for item in await self._api.list(path):
                metadata = item["metadata"]
                ours = FILE in metadata.get("annotations", {})
                if metadata["namespace"] in (NAMESPACE, SYSTEM) and (ours or not everybodys):
                    found.append({**item, "kind": kind})
        return found

    async def _resources(self) -> list[tuple[str, str]]:
        """Kind and path of each kind that is applied, as far as the cluster knows it, in its preferred version."""
        if self._kinds:
            return self._kinds
        groups = {group["name"]: group for group in (await self._api.get("/apis"))["groups"]}
        found = []
        for group in (*ISTIO, GATEWAY_API):
            if group not in groups:
                continue
            root = f"/apis/{groups[group]['preferredVersion']['groupVersion']}"
            served = await self._api.get(root)
            kinds = {r["kind"]: f"{root}/{r['name']}" for r in served["resources"] if _is_listed(r)}
            for other in groups[group]["versions"]:  # EnvoyFilter has no other version than v1alpha3
                more = f"/apis/{other['groupVersion']}"
                for r in (await self._api.get(more))["resources"] if more != root else ():
                    if _is_listed(r):
                        kinds.setdefault(r["kind"], f"{more}/{r['name']}")
            found += list(kinds.items())
        self._kinds = [*found, SERVICES]
        return self._kinds

    async def forget(self) -> None:
        """Take away what was applied outside of our namespace."""
        for _, path in await self._resources():
            root, _, plural = path.rpartition("/")
            for item in await self._api.list(f"{root}/namespaces/{SYSTEM}/{plural}"):
                if FILE in item["metadata"].get("annotations", {}):
                    with contextlib.suppress(NotThere):
                        await self._api.delete(
                            f"{root}/namespaces/{SYSTEM}/{plural}/{item['metadata']['name']}"
                        )


def _is_listed(resource: Object) -> bool:
    """An object of a namespace, and no part of one such as its status."""
    return resource["namespaced"] and "/" not in resource["name"]


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
