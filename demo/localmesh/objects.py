"""The mesh's objects for workloads that Kubernetes would make from pods, derived from k8s/base."""

from runtime.api import Object, Refused
from runtime.manifests import NAMESPACE, Manifest

ROOT_NAMESPACE = "istio-system"
SLOT = "figtree.example/slot"  # tells one replica's Sidecar from another's
NETWORKING = "networking.istio.io/v1"


def _object(
    kind: str, name: str, spec: Object, *, namespace: str = NAMESPACE, version: str = NETWORKING
) -> Object:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def host(workload: str) -> str:
    return f"{workload}.{NAMESPACE}.svc.cluster.local"


def service_entry(service: Object) -> Object:
    """What a Service is in a mesh without pods: it selects WorkloadEntries. Raises Refused."""
    name = service["metadata"]["name"]
    try:
        selector = service["spec"]["selector"]
        ports = [
            {"number": port["port"], "name": port["name"], "protocol": port["appProtocol"].upper()}
            for port in service["spec"]["ports"]
        ]
    except (KeyError, TypeError, AttributeError):
        raise Refused(
            f"Service {name}: the local mesh takes Services with a selector, and ports with port, name and appProtocol"
        ) from None
    entry = {
        "hosts": [host(name)],
        "location": "MESH_INTERNAL",
        "resolution": "STATIC",
        "ports": ports,
        "workloadSelector": {"labels": selector},
    }
    return _object("ServiceEntry", name, entry)


COLLECTOR = f"opentelemetry-collector.{ROOT_NAMESPACE}.svc.cluster.local"


def collector(ip: str, port: int) -> Object:
    """Where the proxies send their spans: what k8s/addons/opentelemetry-collector is in a cluster."""
    spec = {
        "hosts": [COLLECTOR],
        "location": "MESH_EXTERNAL",
        "resolution": "STATIC",
        "ports": [{"number": 4318, "name": "http-otlp", "protocol": "HTTP"}],
        "endpoints": [{"address": ip, "ports": {"http-otlp": port}}],
    }
    return _object("ServiceEntry", "opentelemetry-collector", spec, namespace=ROOT_NAMESPACE)


def ingress(ip: str) -> Object:
    """The ingress gateway's own Service, which a Gateway of the Gateway API names as its address."""
    spec = {
        "hosts": [f"istio-ingressgateway.{ROOT_NAMESPACE}.svc.cluster.local"],
        "location": "MESH_INTERNAL",
        "resolution": "STATIC",
        "ports": [{"number": 80, "name": "http2", "protocol": "HTTP"}],
        "endpoints": [{"address": ip, "ports": {"http2": 8080}}],
    }
    return _object("ServiceEntry", "istio-ingressgateway", spec, namespace=ROOT_NAMESPACE)


def labels(manifest: Manifest, version: str, slot: int) -> dict[str, str]:
    return {**manifest.labels, "version": version, SLOT: str(slot)}


def deployment(manifest: Manifest, version: str) -> str:
    """What the Deployment of a version is called."""
    return manifest.name if version == "v1" else f"{manifest.name}-{version}"


def workload_entry(manifest: Manifest, version: str, slot: int, ip: str, port: int) -> Object:
    spec = {
        "address": ip,
        "serviceAccount": manifest.service_account,
        "labels": labels(manifest, version, slot),
        "ports": {manifest.port_name: port},
    }
    entry = _object("WorkloadEntry", f"{manifest.name}-{version}-{slot}", spec)
    entry["metadata"]["labels"] = {"service.istio.io/workload-name": deployment(manifest, version)}
    return entry


def sidecar(
    manifest: Manifest,
    version: str,
    slot: int,
    ip: str,
    port: int,
    egress_ip: str,
    socket: str,
    hosts: list[str],
) -> Object:
    """Its own inbound address, and the process behind it on a Unix socket: there is no way around the proxy."""
    ingress = {
        "port": {"number": port, "protocol": manifest.protocol, "name": manifest.port_name},
        "bind": ip,
        "captureMode": "NONE",
        "defaultEndpoint": f"unix://{socket}",
    }
    spec = {
        "workloadSelector": {"labels": labels(manifest, version, slot)},
        "ingress": [ingress],
        "egress": [{"bind": egress_ip, "captureMode": "NONE", "hosts": hosts}],
    }
    return _object("Sidecar", f"{manifest.name}-{version}-{slot}", spec)


def sidecar_of_strangers(ip: str) -> Object:
    """For a proxy whose own Sidecar istiod has not read yet: it would listen on 127.0.0.1, at the edge's port too."""
    egress = {"bind": ip, "captureMode": "NONE", "hosts": ["*/*"]}
    return _object("Sidecar", "strangers", {"egress": [egress]}, namespace=ROOT_NAMESPACE)


def edge_listener(port: int) -> Object:
    """Gateways listen on every address; this one stays on loopback, on the instance's own port."""
    patch = {
        "applyTo": "LISTENER",
        "match": {"context": "GATEWAY", "listener": {"portNumber": 8080}},
        "patch": {
            "operation": "MERGE",
            "value": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}},
        },
    }
    spec = {"workloadSelector": {"labels": {"istio": "ingressgateway"}}, "configPatches": [patch]}
    return _object(
        "EnvoyFilter", "edge-listener", spec, namespace=ROOT_NAMESPACE, version="networking.istio.io/v1alpha3"
    )
