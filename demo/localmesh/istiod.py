"""istiod as a plain process: what it is started with and what it is asked."""

import asyncio
import json
import ssl
import uuid
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml
from runtime.api import Object, Refused, RuntimeFailure
from runtime.debug import Debug
from runtime.mesh_objects import GATEWAY_API

from localmesh.events import Events
from localmesh.fake_apiserver import ROUTING, serves
from localmesh.identity import AUDIENCE, ISSUER, TRUST_DOMAIN, Identity
from localmesh.instance import STUB_PORT, Instance
from localmesh.objects import COLLECTOR, ROOT_NAMESPACE, service_entry
from localmesh.process import Process
from localmesh.schemas import admit, check_fields

SAN = "istiod.istio-system.svc"
UPSTREAM_ENVOY = {  # extensions that only Istio's own build of Envoy has
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
}
MARK_MIRRORED = {"DISABLE_SHADOW_HOST_SUFFIX": "false"}  # as with any Envoy: the host ends in -shadow
NO_KUBERNETES = {
    "ISTIO_KUBE_CLIENT_CONTENT_TYPE": "json",
    "ENABLE_LEADER_ELECTION": "false",
    "INJECT_ENABLED": "false",
    "INJECTION_WEBHOOK_CONFIG_NAME": "",
    "VALIDATION_WEBHOOK_CONFIG_NAME": "",
    "PILOT_ENABLE_IP_AUTOALLOCATE": "false",
    "PILOT_ENABLE_GATEWAY_API_STATUS": "false",
    "PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER": "false",
    "PILOT_ENABLE_GATEWAY_API_GATEWAYCLASS_CONTROLLER": "false",
    "PILOT_ENABLE_AMBIENT": "false",
}
MESH_CONFIG = {
    "rootNamespace": ROOT_NAMESPACE,
    "trustDomain": TRUST_DOMAIN,
    "ingressControllerMode": "OFF",
    # A policy sees the path that is served.
    "pathNormalization": {"normalization": "DECODE_AND_MERGE_SLASHES"},
    "enableTracing": True,  # what is traced says istio/telemetry/mesh-wide.yaml
    "extensionProviders": [
        {
            "name": "otel",
            "opentelemetry": {
                "service": COLLECTOR,
                "port": 4318,
                "http": {"path": "/v1/traces", "timeout": "5s"},
                "resourceDetectors": {"environment": {}},
            },
        },
        {
            "name": "json-lines",
            "envoyFileAccessLog": {
                "path": "/dev/stdout",
                "logFormat": {
                    "labels": {
                        "time": "%START_TIME%",
                        "level": "info",
                        "service": "%ENVIRONMENT(ISTIO_META_WORKLOAD_NAME)%",
                        "version": "%CEL(xds.node.metadata['LABELS']['version'])%",
                        "message": "%REQ(:METHOD)% %PATH(NQ)% %RESPONSE_CODE% %RESPONSE_FLAGS%",
                        "trace_id": "%TRACE_ID%",
                        "request_id": "%REQ(X-REQUEST-ID)%",
                        "grpc_status": "%GRPC_STATUS_NUMBER%",
                        "milliseconds": "%DURATION%",
                        "upstream": "%UPSTREAM_CLUSTER_RAW%",
                        "caller": "%DOWNSTREAM_PEER_URI_SAN%",
                    }
                },
            },
        },
    ],
    "accessLogFile": "",
    "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
    "defaultProviders": {"metrics": [], "accessLogging": []},
    "defaultConfig": {"discoveryAddress": f"{SAN}:15012"},
}


@dataclass(slots=True)
class Istiod:
    instance: Instance
    binary: Path
    schemas: Path  # of Istio's kinds
    routing: Path  # of the Gateway API's
    identity: Identity
    base_env: dict[str, str]
    log: Path
    events: Events
    process: Process | None = None
    _client: httpx.AsyncClient | None = None
    _webhook: httpx.AsyncClient | None = None

    @property
    def folder(self) -> Path:
        return self.instance.root / "mesh"

    @property
    def config(self) -> Path:
        return self.folder / "config"

    def _address(self, port: str) -> str:
        return f"{self.instance.istiod_ip}:{self.instance.ports[port]}"

    @property
    def secure_xds(self) -> str:
        return self._address("secure-xds")

    @property
    def plain_xds(self) -> str:
        return self._address("xds")

    async def start(self) -> None:
        self.config.mkdir(exist_ok=True)
        stub = f"http://{self.instance.ip(1)}:{STUB_PORT}"
        # Istio's own kinds come from files; those of the Gateway API are read from the API server only.
        sources = [{"address": f"fs://{self.config}"}, {"address": "k8s://"}]
        (self.folder / "mesh.yaml").write_text(yaml.safe_dump(MESH_CONFIG | {"configSources": sources}))
        (self.folder / "kubeconfig").write_text(yaml.safe_dump(_kubeconfig(stub)))
        rule = {"issuer": ISSUER, "jwks_uri": f"{stub}/jwks.json", "audiences": [AUDIENCE]}
        env = (
            self.base_env
            | UPSTREAM_ENVOY
            | MARK_MIRRORED
            | NO_KUBERNETES
            | {
                "POD_NAMESPACE": ROOT_NAMESPACE,
                "POD_NAME": "istiod",
                "CLUSTER_ID": "Kubernetes",
                "HTTP_PROXY": stub,  # answers for names of the mesh under which a RequestAuthentication looks for keys
                "ROOT_CA_DIR": str(self.identity.ca_folder),
                "ISTIOD_CUSTOM_HOST": SAN,
                "JWT_RULE": json.dumps(rule),
                "PILOT_DEBOUNCE_AFTER": "20ms",
                "GOGC": "25",
                "GOMEMLIMIT": "160MiB",
                "GOMAXPROCS": "2",
            }
        )
        command = [
            str(self.binary),
            "discovery",
            "--registries",
            "",  # services and their endpoints are ServiceEntries and WorkloadEntries
            "--kubeconfig",
            str(self.folder / "kubeconfig"),
            "--meshConfig",
            str(self.folder / "mesh.yaml"),
            "--networksConfig",
            "/nonexistent",
            "--httpAddr",
            self._address("istiod"),
            "--httpsAddr",
            self._address("webhook"),
            "--grpcAddr",
            self._address("xds"),
            "--secureGRPCAddr",
            self.secure_xds,
            "--monitoringAddr",
            self._address("monitoring"),
            "--ctrlz_address",
            self.instance.istiod_ip,
            "--ctrlz_port",
            str(self.instance.ports["ctrlz"]),
            "--log_output_level",
            "default:warn",
        ]
        self.process = Process("istiod", command, env, self.log, self.events, cwd=self.folder)
        self._client = httpx.AsyncClient(
            base_url=f"http://{self._address('istiod')}", timeout=5, trust_env=False
        )
        self._webhook = _webhook_client(self.identity.istiod_context(), self._address("webhook"))
        await self.process.start()
        await self.process.until(self.ready, 20)
        self.events.add("ready", "istiod", self._address("istiod"))

    async def ready(self) -> bool:
        assert self._client is not None
        try:
            return (await self._client.get("/ready")).status_code == 200
        except httpx.TransportError:
            return False

    async def validate(self, item: Object) -> None:
        """Ask the webhook that guards a cluster's API server; raises Refused with its words."""
        assert self._webhook is not None
        if serves(item):
            self.admit(item)
            return
        if item["apiVersion"].startswith(f"{GATEWAY_API}/"):
            raise Refused(
                f"{item['kind']} {item['metadata']['name']}: the local mesh serves {', '.join(ROUTING)} of the"
                " Gateway API; this kind needs a cluster"
            )
        await asyncio.to_thread(check_fields, self.schemas, item)
        kind, metadata = item["kind"], item["metadata"]
        group, _, version = item["apiVersion"].rpartition("/")
        request = {
            "uid": str(uuid.uuid4()),
            "operation": "CREATE",
            "object": item,
            "kind": {"group": group, "version": version, "kind": kind},
            "resource": {"group": group, "version": version, "resource": f"{kind.lower()}s"},
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "userInfo": {"username": "figtree"},
        }
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
        for attempt in range(20):
            try:
                answer = await self._webhook.post("/validate", json=review, extensions={"sni_hostname": SAN})
                break
            except httpx.TransportError as error:
                if attempt == 19:
                    raise RuntimeFailure(f"istiod does not answer: {error}") from error
                await asyncio.sleep(0.25)
        response = answer.raise_for_status().json()["response"]
        if not response["allowed"]:
            name = f"{kind} {metadata['name']}"
            raise Refused(f"{name}: {response.get('status', {}).get('message', 'refused')}")

    def admit(self, item: Object) -> Object:
        """What an API server makes of an object that istiod takes from it. Raises Refused."""
        if item["kind"] == "Service":
            service_entry(item)
            return item
        return admit(self.routing, item)

    @property
    def debug(self) -> Debug:
        return Debug(f"http://{self._address('istiod')}")

    async def stop(self) -> None:
        for client in (self._client, self._webhook):
            if client is not None:
                await client.aclose()
        if self.process is not None:
            await self.process.stop()


def _webhook_client(context: ssl.SSLContext, address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"https://{address}", verify=context, timeout=10, trust_env=False)


def _kubeconfig(server: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "stub",
        "clusters": [{"name": "stub", "cluster": {"server": server}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "nobody"}}],
    }
