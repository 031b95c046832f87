"""istiod's debug interface: what it has loaded, and who has acknowledged it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx

from runtime.api import Object
from runtime.mesh_objects import MADE_FROM


@dataclass(frozen=True, slots=True)
class Debug:
    """istiod's debug interface: what it has loaded, and which proxies have it."""

    url: str

    async def _get(self, what: str) -> Any:
        async with httpx.AsyncClient(base_url=self.url, timeout=5, trust_env=False) as client:
            return (await client.get(f"/debug/{what}")).raise_for_status().json() or []

    async def knows(self) -> dict[str, dict[str, str]]:
        """The annotations of each object that istiod has loaded, by kind/namespace/name."""
        return {_name(c): c["metadata"].get("annotations") or {} for c in await self._get("configz")}

    async def objects(self) -> Object:
        """The spec of each object that istiod has loaded, without what it has made of other objects itself."""
        return {
            _name(c): c.get("spec") or {}
            for c in await self._get("configz")
            if MADE_FROM not in (c["metadata"].get("annotations") or {})
        }

    async def stale_proxies(self) -> list[str]:
        """Proxies that have not yet acknowledged what was sent to them."""
        stale = []
        for proxy in await self._get("syncz"):
            for config in proxy.get("configs") or _old_style(proxy):
                if config["sent"] and config["sent"] != config["acked"]:
                    stale.append(proxy["proxy"])
        return stale

    async def missing(self, names: Iterable[str], limit: float) -> str:
        """Which proxies do not have these objects, or their removal, after `limit` seconds: a sentence."""
        what = f"{', '.join(sorted(names))}: not in force everywhere after {limit:.0f} s"
        try:
            stale = sorted(set(await self.stale_proxies()))
        except (httpx.HTTPError, OSError, ValueError) as error:
            return f"{what}: istiod does not answer ({type(error).__name__}); `figtree logs istiod` says more"
        if not stale:
            return f"{what}: istiod has not loaded the change yet; `figtree logs istiod` says more, then try again"
        return (
            f"{what}: not acknowledged by {', '.join(stale)}; `figtree logs NAME --proxy` says more. Restart that"
            " workload or wait, then run the command again"
        )

    async def connected(self) -> int:
        """How many proxies it serves."""
        return len(await self._get("syncz"))

    async def addresses(self) -> set[str]:
        """Of all endpoints that it knows."""
        return set(_addresses(await self._get("endpointShardz")))


def _name(config: Object) -> str:
    metadata = config["metadata"]
    return f"{config['kind']}/{metadata.get('namespace', '')}/{metadata['name']}"


def _old_style(proxy: Object) -> list[dict[str, str]]:
    kinds = ("cluster", "listener", "route", "endpoint")
    return [{"sent": proxy.get(f"{k}_sent", ""), "acked": proxy.get(f"{k}_acked", "")} for k in kinds]


def _addresses(content: Any) -> list[str]:
    match content:
        case dict():
            own = content.get("Addresses")
            return [
                *(own if isinstance(own, list) else ()),
                *(a for v in content.values() for a in _addresses(v)),
            ]
        case list():
            return [address for item in content for address in _addresses(item)]
        case _:
            return []
