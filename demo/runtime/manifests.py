"""What the Kubernetes manifests say about a workload, for runtimes that are not Kubernetes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "k8s" / "base"
STEPS = ROOT / "k8s" / "steps"
CANARY = ROOT / "k8s" / "canary"
NAMESPACE = "figtree"


@dataclass(frozen=True, slots=True)
class Probe:
    """How often a process is asked, for how long, and how many failures in a row count; in seconds."""

    period: float
    timeout: float
    failures: int

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Probe":
        """With Kubernetes' own defaults (https://kubernetes.io/docs/reference/kubernetes-api, Probe v1 core)."""
        return cls(
            fields.get("periodSeconds", 10),
            fields.get("timeoutSeconds", 1),
            fields.get("failureThreshold", 3),
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the runtime needs to know of a workload, from its Deployment."""

    name: str
    image: str  # without its tag
    command: tuple[str, ...]
    service_account: str
    port_name: str
    port: int
    protocol: str  # GRPC or HTTP
    labels: Mapping[str, str]
    env: Mapping[str, str]
    database: bool
    health_path: str  # empty: gRPC health
    readiness: Probe
    liveness: Probe


def standing() -> list[Path]:
    """The mesh's objects that are in force in every shape."""
    folders = ("mesh", "telemetry", "upstream-envoy")
    return [path for folder in folders for path in sorted((ROOT / "istio" / folder).glob("*.yaml"))]


def health() -> str:
    """What Kiali takes for a failure of a workload: the annotation health.kiali.io/rate."""
    text = (ROOT / "k8s" / "components" / "kiali" / "health.yaml").read_text()
    (annotations,) = (patch["value"] for patch in yaml.safe_load(text))
    found: str = annotations["health.kiali.io/rate"]
    return found


def _read(workload: str, file: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((BASE / workload / file).read_text())
    return content


def service(workload: str) -> dict[str, Any]:
    """The workload's Service, as the API server would have it."""
    item = _read(workload, "service.yaml")
    item["metadata"]["namespace"] = NAMESPACE
    return item


@cache
def manifest(workload: str, version: str = "v1") -> Manifest:
    """The manifest of the workload, read once; of a version that is another program, with that program."""
    deployment = _read(workload, "deployment.yaml")
    template = deployment["spec"]["template"]
    (container,) = template["spec"]["containers"]
    (port,) = _read(workload, "service.yaml")["spec"]["ports"]
    settings = {entry["name"]: entry for entry in container["env"]}
    program = container | _program(workload, version)
    return Manifest(
        name=deployment["metadata"]["name"],
        image=program["image"],
        command=tuple(program["command"]),
        service_account=template["spec"]["serviceAccountName"],
        port_name=port["name"],
        port=port["port"],
        protocol=port["appProtocol"].upper(),
        labels=template["metadata"]["labels"],
        env={name: entry["value"] for name, entry in settings.items() if "value" in entry},
        database="DATABASE_URL" in settings,
        health_path=container["readinessProbe"].get("httpGet", {}).get("path", ""),
        readiness=Probe.of(container["readinessProbe"]),
        liveness=Probe.of(container["livenessProbe"]),
    )


def _program(workload: str, version: str) -> dict[str, Any]:
    """Image and command, where the version's own patch of the Deployment names them."""
    patch = CANARY / f"{workload}-{version}" / "deployment.yaml"
    if not patch.exists():
        return {}
    (container,) = yaml.safe_load(patch.read_text())["spec"]["template"]["spec"]["containers"]
    return {name: container[name] for name in ("image", "command") if name in container}


def workloads() -> tuple[str, ...]:
    """All that have a Deployment."""
    return tuple(sorted(path.parent.name for path in BASE.glob("*/deployment.yaml")))


def steps() -> tuple[str, ...]:
    """The names of the shapes, in order."""
    return tuple(sorted(path.name for path in STEPS.iterdir()))


def workloads_of(step: str) -> tuple[str, ...]:
    """The workloads of a shape, without the infrastructure they need."""
    content = yaml.safe_load((STEPS / step / "kustomization.yaml").read_text())
    names = (Path(resource).name for resource in content["resources"])
    return tuple(name for name in names if (BASE / name / "deployment.yaml").exists())
