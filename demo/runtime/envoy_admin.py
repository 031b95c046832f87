"""Envoy's admin interface."""

import asyncio
import http.client
import json
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from runtime.api import Certificate, Object, RuntimeFailure

SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Admin:
    """Asked every second while a page is open: in a thread by http.client, at a quarter of httpx's CPU."""

    address: str

    async def _request(self, method: str, path: str) -> str:
        return await asyncio.to_thread(self._ask, method, path)

    def _ask(self, method: str, path: str) -> str:
        connection = http.client.HTTPConnection(self.address, timeout=SECONDS)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise RuntimeFailure(f"the proxy at {self.address} does not answer: {error!r}") from error
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeFailure(f"the proxy at {self.address} answers {path} with {answer.status}")
        return text

    async def ready(self) -> bool:
        """Whether the proxy serves."""
        try:
            await self._request("GET", "/ready")
        except RuntimeFailure:
            return False
        return True

    async def statistics(self, contains: str = "", matching: str = "") -> dict[str, float]:
        """Counters and gauges, by name."""
        answer = await self._request("GET", f"/stats?format=json&filter={quote(matching)}")
        stats = json.loads(answer)["stats"]
        numbers = (
            (s["name"], s["value"]) for s in stats if isinstance(s.get("value"), int | float)
        )  # some are texts
        return {name: float(value) for name, value in numbers if contains in name}

    async def requests_by_zone(self, cluster: str) -> dict[str, float]:
        """How many requests it has sent to the hosts of that cluster, by the zones that they are in."""
        found: dict[str, float] = {}
        for one in json.loads(await self._request("GET", "/clusters?format=json"))["cluster_statuses"]:
            for host in one.get("host_statuses", ()) if one["name"] == cluster else ():
                zone = host.get("locality", {}).get("zone", "")
                sent = next(float(s.get("value", 0)) for s in host["stats"] if s["name"] == "rq_total")
                found[zone] = found.get(zone, 0.0) + sent
        return found

    async def prometheus(self, pattern: str) -> str:
        """Statistics whose names match, in Prometheus' format; those that were never used are left out."""
        path = f"/stats/prometheus?usedonly&filter={pattern}"
        return await self._request("GET", path)

    async def draining(self) -> bool:
        """Are there connections left under rules that are no longer in force?"""
        text = await self._request("GET", "/stats?filter=_draining$")
        return any(not line.endswith(" 0") for line in text.splitlines())

    async def config(self) -> Object:
        """The dump of its configuration, with the endpoints."""
        content: Object = json.loads(await self._request("GET", "/config_dump"))
        return content

    async def certificate(self) -> Certificate:
        """The certificate of its workload."""
        answer = json.loads(await self._request("GET", "/certs"))
        for entry in answer["certificates"]:
            for chain in entry.get("cert_chain", ()):
                for name in chain["subject_alt_names"]:
                    if name.get("uri", "").startswith("spiffe://"):
                        return Certificate(name["uri"], datetime.fromisoformat(chain["expiration_time"]))
        raise RuntimeFailure(f"the proxy at {self.address} has no certificate yet")

    async def listeners(self) -> list[str]:
        """The names of its listeners."""
        content: Object = json.loads(await self._request("GET", "/listeners?format=json"))
        addresses = (s["local_address"].get("socket_address") for s in content.get("listener_statuses", ()))
        return [f"{a['address']}:{a['port_value']}" for a in addresses if a]

    async def drain(self) -> None:
        """Drain its listeners: callers are asked to open new connections elsewhere."""
        await self._request("POST", "/drain_listeners?graceful&skip_exit")
