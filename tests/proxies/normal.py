"""A normal form of Envoy's config dump: what decides about a request, without what names the place."""

import re
from collections.abc import Iterator
from typing import Any

SERVICE = re.compile(r"^outbound\|(8080|50051)\|[\w-]*\|[a-z]+\.figtree\.svc\.cluster\.local;?$")
HOST = re.compile(r"^[a-z]+\.figtree\.svc\.cluster\.local:(8080|50051)$")
MANAGER = "envoy.filters.network.http_connection_manager"
# Where a thing is, what it is called for people, and how what is the same is found: k8s/README.md has the reasons.
LEFT_OUT = frozenset(
    {
        "@type",
        "metadata",
        "stat_prefix",
        "decorator",
        "filter_metadata",
        "eds_cluster_config",
        "alt_stat_name",
        "observability_name",
        "tracing",
        "generate_request_id",
        "access_log",
        "upgrade_configs",
        "server_name",
        "set_current_client_cert_details",
        "forward_client_cert_details",
        "normalize_path",
        "path_with_escaped_slashes_action",
        "rds",
        "route_config",
        "load_assignment",
        "version_info",
        "last_updated",
        "config_discovery",
    }
)


def plain(value: Any) -> Any:
    """Without what is left out everywhere, and without what says nothing."""
    match value:
        case dict():
            kept = {key: plain(item) for key, item in value.items() if key not in LEFT_OUT}
            return {key: item for key, item in sorted(kept.items()) if item not in ({}, [], "", None)}
        case list():
            return [plain(item) for item in value]
        case _:
            return value


def normal(dump: dict[str, Any]) -> dict[str, Any]:
    sections: dict[str, list[Any]] = {}
    for section in dump["configs"]:
        sections.setdefault(section["@type"].rpartition(".")[2], []).append(section)
    clusters = [
        c["cluster"] for s in sections["ClustersConfigDump"] for c in s.get("dynamic_active_clusters", ())
    ]
    listeners = [
        item["active_state"]["listener"]
        for s in sections["ListenersConfigDump"]
        for item in s.get("dynamic_listeners", ())
        if "active_state" in item
    ]
    routes = [
        item["route_config"]
        for s in sections.get("RoutesConfigDump", ())
        for item in s.get("dynamic_route_configs", ())
    ]
    return {
        "clusters": {c["name"].rstrip(";"): plain(_cluster(c)) for c in clusters if SERVICE.match(c["name"])},
        "routes": dict(sorted(_routes(routes))),
        "inbound": [plain(chain) for chain in _chains(listeners)],
    }


def _cluster(cluster: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in cluster.items() if key not in ("name", "filters")}


def _routes(configs: list[Any]) -> Iterator[tuple[str, Any]]:
    for config in configs:
        for host in config.get("virtual_hosts", ()):
            if HOST.match(host["name"]) or host["name"].startswith("*:"):
                routes = plain(host.get("routes", []))
                yield host["name"], sorted(routes, key=_place) if host["name"].startswith("*:") else routes


def _place(route: Any) -> str:
    """What several VirtualServices say of one host stands in the order of their making; each has paths of its own."""
    match = route.get("match", {})
    return str(match.get("prefix") or match.get("path") or match.get("path_separated_prefix") or "")


def _chains(listeners: list[Any]) -> Iterator[dict[str, Any]]:
    """What meets a request that comes in: TLS and the HTTP filters, in their order."""
    for listener in listeners:
        for chain in listener.get("filter_chains", ()):
            for found in chain.get("filters", ()):
                config = found.get("typed_config", {})
                if found["name"] != MANAGER or not _is_inbound(listener, config):
                    continue
                filters = [
                    {"name": one["name"], "config": one.get("typed_config", {})}
                    for one in config.get("http_filters", ())
                ]
                yield {"tls": _tls(chain), "filters": filters, "timeouts": _timeouts(config)}


def _is_inbound(listener: dict[str, Any], config: dict[str, Any]) -> bool:
    names = [host["name"] for host in config.get("route_config", {}).get("virtual_hosts", ())]
    serves = any(re.match(r"^inbound\|http\|(8080|50051)$", name) for name in names)
    edge = config.get("rds", {}).get("route_config_name", "").startswith("http.")
    return serves or edge


def _tls(chain: dict[str, Any]) -> Any:
    socket = chain.get("transport_socket", {})
    return socket.get("typed_config", {}) if socket else "none"


def _timeouts(config: dict[str, Any]) -> Any:
    routes = [
        r for host in config.get("route_config", {}).get("virtual_hosts", ()) for r in host.get("routes", ())
    ]
    return [route.get("route", {}).get("timeout", "") for route in routes]
