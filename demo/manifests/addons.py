"""`python -m manifests.addons NAME…`: Istio's own add-ons, for kubectl.

They are as they come with the source that istiod is compiled from, but for Prometheus: it gets our rules and keeps
exemplars, the figures of each pod get the name of its workload, and those of upstream Envoy's sidecars the labels of
Istio's standard metrics.
What containers use it takes from the kubelet itself, which knows them with any engine; cAdvisor does not everywhere.
It reads the exporters of our databases, too.
Loki has no rules, so nobody looks for them.
"gateway-api" is no add-on of Istio's: the definitions that istio/gateway-api is checked against.
"""

import argparse
import contextlib
import sys
from pathlib import Path

import yaml
from machine.compiling import istio_version
from runtime.manifests import NAMESPACE, ROOT
from telemetry.prometheus import KEEP_EXEMPLARS

from manifests.render import Object, read
from manifests.schemas import gateway_definitions
from manifests.tools import module_folder

PROMETHEUS = ROOT / "k8s" / "addons" / "prometheus"
RULES = {"recording_rules.yml": "recording.yaml", "alerting_rules.yml": "objectives.yaml"}
OF_PODS, OF_CONTAINERS = "kubernetes-pods", "kubernetes-nodes-cadvisor"
WORKLOAD = {"source_labels": ["__meta_kubernetes_pod_label_app"], "target_label": "workload"}
OF_DATABASES: Object = {  # the containers of k8s/addons/postgres-exporter
    "job_name": "postgres",
    "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [NAMESPACE]}}],
    "relabel_configs": [
        {
            "source_labels": ["__meta_kubernetes_pod_label_app", "__meta_kubernetes_pod_container_port_name"],
            "regex": "postgres-exporter;http-(monolith|currency|title|pricing|customer|order)",
            "action": "keep",
        }
    ],
    "metric_relabel_configs": [
        {"source_labels": ["datname"], "regex": "postgres|template.*", "action": "drop"}
    ],
}


def samples() -> Path:
    return module_folder("istio.io/istio", istio_version()) / "samples" / "addons"


def addon(name: str, *, upstream_envoy: bool = False, ephemeral: bool = False) -> list[Object]:
    """`ephemeral` is for a cluster that has no storage."""
    if name == "gateway-api":
        return [item for path in gateway_definitions() for item in read(path)]
    items = list(read(samples() / f"{name}.yaml"))
    for item in items:
        match item["kind"], item["metadata"]["name"]:
            case "ConfigMap", "prometheus":
                _watch_us(item["data"], upstream_envoy)
            case "Deployment", "prometheus":
                _keep_exemplars(item["spec"]["template"]["spec"])
            case "StatefulSet", "loki":
                _without_rules(item["spec"], ephemeral)
    return items


def _watch_us(data: dict[str, str], upstream_envoy: bool) -> None:
    for name, file in RULES.items():
        data[name] = (PROMETHEUS / "rules" / file).read_text()
    config = yaml.safe_load(data["prometheus.yml"])
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    pods = jobs[OF_PODS]
    pods["relabel_configs"].append(WORKLOAD)
    jobs[OF_CONTAINERS]["metrics_path"] = "/metrics/resource"
    config["scrape_configs"].append(OF_DATABASES)
    if upstream_envoy:
        pods["metric_relabel_configs"] = yaml.safe_load((PROMETHEUS / "relabelling.yaml").read_text())
    data["prometheus.yml"] = yaml.safe_dump(config, sort_keys=False)


def _keep_exemplars(pod: Object) -> None:
    (server,) = (one for one in pod["containers"] if one["name"] == "prometheus-server")
    server["args"].append(KEEP_EXEMPLARS)


def _without_rules(spec: Object, ephemeral: bool) -> None:
    pod = spec["template"]["spec"]
    pod["containers"] = [one for one in pod["containers"] if one["name"] == "loki"]
    if ephemeral:
        claims = spec.pop("volumeClaimTemplates")
        pod["volumes"] += [{"name": claim["metadata"]["name"], "emptyDir": {}} for claim in claims]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="+")
    parser.add_argument("--upstream-envoy", action="store_true")
    parser.add_argument("--ephemeral", action="store_true")
    arguments = vars(parser.parse_args())
    with contextlib.redirect_stdout(sys.stderr):  # what is told on the way is not the answer
        manifests = [item for name in arguments.pop("names") for item in addon(name, **arguments)]
    yaml.safe_dump_all(manifests, sys.stdout, sort_keys=False)
