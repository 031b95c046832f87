"""The one place where a manifest's settings are turned into what they are called on this machine."""

from collections.abc import Mapping

from runtime.manifests import Manifest

ENDPOINT, SHARE = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_SAMPLER_ARG"
NEIGHBOURS = ("title", "currency", "pricing", "order", "customer")


def localised(
    manifest: Manifest,
    *,
    listen: str,
    version: str,
    nats_url: str,
    database_url: str = "",
    egress: str = "",
    collector: str = "",
    neighbours: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """`egress` is the sidecar's outbound address; without a mesh `neighbours` gives each one's own address."""
    env = dict(manifest.env) | {"LISTEN": listen, "VERSION": version}
    if "NATS_URL" in env:
        env["NATS_URL"] = nats_url
    if database_url:
        env["DATABASE_URL"] = database_url
    if egress:
        env["EGRESS"] = egress
    if collector:
        share = "0" if egress else "0.1"  # in the mesh the ingress decides: istio/telemetry/mesh-wide.yaml
        env |= {ENDPOINT: collector, SHARE: share}
    else:
        env = {name: value for name, value in env.items() if name not in (ENDPOINT, SHARE)}
    for name, address in (neighbours or {}).items():
        env[f"{name.upper()}_ADDRESS"] = address
    return env | dict(extra or {})
