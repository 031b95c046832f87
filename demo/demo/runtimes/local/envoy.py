"""Envoy's admin interface."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from demo.runtimes.runtime import Certificate, RuntimeFailure

# A client's own context costs 15 ms of CPU, and what is asked here is asked every second without TLS.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True, slots=True)
class Admin:
    url: str

    async def _request(self, method: str, path: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url, timeout=3, trust_env=False, verify=NO_TLS) as client:
            return await client.request(method, path)

    async def ready(self) -> bool:
        try:
            return (await self._request("GET", "/ready")).status_code == 200
        except httpx.TransportError:
            return False

    async def statistics(self, contains: str = "", matching: str = "") -> dict[str, float]:
        """Counters and gauges, by name."""
        answer = await self._request("GET", f"/stats?format=json&filter={quote(matching)}")
        stats = answer.raise_for_status().json()["stats"]
        numbers = (
            (s["name"], s["value"]) for s in stats if isinstance(s.get("value"), int | float)
        )  # some are texts
        return {name: float(value) for name, value in numbers if contains in name}

    async def prometheus(self, pattern: str) -> str:
        """Statistics whose names match, in Prometheus' format; those that were never used are left out."""
        path = f"/stats/prometheus?usedonly&filter={pattern}"
        return (await self._request("GET", path)).raise_for_status().text

    async def draining(self) -> bool:
        """Are there connections left under rules that are no longer in force?"""
        text = (await self._request("GET", "/stats?filter=_draining$")).raise_for_status().text
        return any(not line.endswith(" 0") for line in text.splitlines())

    async def config(self) -> dict[str, Any]:
        content: dict[str, Any] = (await self._request("GET", "/config_dump")).raise_for_status().json()
        return content

    async def certificate(self) -> Certificate:
        answer = (await self._request("GET", "/certs")).raise_for_status().json()
        for entry in answer["certificates"]:
            for chain in entry.get("cert_chain", ()):
                for name in chain["subject_alt_names"]:
                    if name.get("uri", "").startswith("spiffe://"):
                        return Certificate(name["uri"], datetime.fromisoformat(chain["expiration_time"]))
        raise RuntimeFailure(f"the proxy at {self.url} has no certificate yet")

    async def listeners(self) -> list[str]:
        content: dict[str, Any] = (
            (await self._request("GET", "/listeners?format=json")).raise_for_status().json()
        )
        addresses = (s["local_address"].get("socket_address") for s in content.get("listener_statuses", ()))
        return [f"{a['address']}:{a['port_value']}" for a in addresses if a]

    async def drain(self) -> None:
        await self._request("POST", "/drain_listeners?graceful&skip_exit")
