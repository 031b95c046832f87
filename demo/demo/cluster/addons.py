"""`python -m demo.cluster.addons [--upstream-envoy] NAME…`: Istio's own add-ons, for kubectl.

They are as they come with the source that istiod is compiled from, but for Prometheus: it gets our rules, the figures
of each pod get the name of its workload, and those of upstream Envoy's sidecars the labels of Istio's standard metrics.
"""

import contextlib
import sys
from pathlib import Path

import yaml

from demo.cluster.render import Object, read
from demo.cluster.tools import module_folder
from demo.runtimes.local.istio_binaries import istio_version
from demo.runtimes.manifests import ROOT

OURS = ROOT / "k8s" / "addons" / "prometheus"
RULES = {"recording_rules.yml": "recording.yaml", "alerting_rules.yml": "objectives.yaml"}
OF_PODS = "kubernetes-pods"
WORKLOAD = {"source_labels": ["__meta_kubernetes_pod_label_app"], "target_label": "workload"}


def samples() -> Path:
    return module_folder("istio.io/istio", istio_version()) / "samples" / "addons"


def addon(name: str, *, upstream_envoy: bool) -> list[Object]:
    items = list(read(samples() / f"{name}.yaml"))
    for item in items:
        if (item["kind"], item["metadata"]["name"]) == ("ConfigMap", "prometheus"):
            _watch_us(item["data"], upstream_envoy)
    return items


def _watch_us(data: dict[str, str], upstream_envoy: bool) -> None:
    for name, file in RULES.items():
        data[name] = (OURS / "rules" / file).read_text()
    config = yaml.safe_load(data["prometheus.yml"])
    (pods,) = (job for job in config["scrape_configs"] if job["job_name"] == OF_PODS)
    pods["relabel_configs"].append(WORKLOAD)
    if upstream_envoy:
        pods["metric_relabel_configs"] = yaml.safe_load((OURS / "relabelling.yaml").read_text())
    data["prometheus.yml"] = yaml.safe_dump(config, sort_keys=False)


def main(words: list[str]) -> None:
    names = [word for word in words if not word.startswith("--")]
    with contextlib.redirect_stdout(sys.stderr):  # what is told on the way is not the answer
        items = [i for name in names for i in addon(name, upstream_envoy="--upstream-envoy" in words)]
    yaml.safe_dump_all(items, sys.stdout, sort_keys=False)


if __name__ == "__main__":
    main(sys.argv[1:])
