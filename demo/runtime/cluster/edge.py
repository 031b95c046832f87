"""Where the ingress gateway is reached from here."""

import os

import httpx

from runtime.api import Object, RuntimeFailure
from runtime.cluster.api import Api

NOT_OURS = 403  # /healthz is open to everybody: who forbids it is a filter on the way, not the gateway
SERVICE = "/api/v1/namespaces/istio-system/services/istio-ingressgateway"


async def find(api: Api) -> str:
    """EDGE, or what answers first: load balancer, node port on loopback (kind maps it there), node port on a node."""
    if chosen := os.environ.get("EDGE"):
        return chosen.rstrip("/")
    service = await api.find(SERVICE)
    if service is None:
        raise RuntimeFailure(
            "there is no ingress gateway istio-ingressgateway in istio-system: `make cluster`"
        )
    tried = []
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        for host, port in [*_read_endpoints(service), *await _on_nodes(api, service)]:
            tried.append(f"{host}:{port}")
            address = f"http://{host}:{port}" if port != 80 else f"http://{host}"
            try:
                status = (await client.get(f"{address}/healthz")).status_code
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
            except httpx.HTTPError:
                status = 0  # it is there, whatever it is busy with
            if status != NOT_OURS:
                return address
    raise RuntimeFailure(
        f"the ingress gateway is not reached at {', '.join(tried)}; say where with EDGE=http://…"
    )


def _port(service: Object, kind: str) -> int:
    ports = service["spec"]["ports"]
    found = next((port for port in ports if port.get("name") in ("http2", "http")), ports[0])
    return int(found.get(kind, 0))


def _read_endpoints(service: Object) -> list[tuple[str, int]]:
    ways = service["status"].get("loadBalancer", {}).get("ingress", ())
    return [(way.get("ip") or way["hostname"], _port(service, "port")) for way in ways]


async def _on_nodes(api: Api, service: Object) -> list[tuple[str, int]]:
    port = _port(service, "nodePort")
    if not port:
        return []
    addresses = [
        address["address"]
        for node in await api.list("/api/v1/nodes")
        for address in node["status"]["addresses"]
        if address["type"] in ("InternalIP", "ExternalIP")
    ]
    return [(host, port) for host in ("127.0.0.1", *addresses)]
