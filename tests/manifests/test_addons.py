"""What kubectl gets of Istio's add-ons."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests.addons import PROMETHEUS, addon
from manifests.providers import completed
from runtime.manifests import ROOT


def settings(*, upstream_envoy: bool) -> dict[str, str]:
    (item,) = (i for i in addon("prometheus", upstream_envoy=upstream_envoy) if i["kind"] == "ConfigMap")
    data: dict[str, str] = item["data"]
    return data


def jobs(data: dict[str, str]) -> dict[str, Any]:
    return {job["job_name"]: job for job in yaml.safe_load(data["prometheus.yml"])["scrape_configs"]}


def test_prometheus_gets_our_rules_where_its_configuration_looks_for_them() -> None:
    data = settings(upstream_envoy=True)
    files = {Path(path).name for path in yaml.safe_load(data["prometheus.yml"])["rule_files"]}
    rules = {name for name in files if "groups" in (yaml.safe_load(data[name]) or {})}
    assert rules == {"recording_rules.yml", "alerting_rules.yml"}


@pytest.mark.parametrize("upstream_envoy", [True, False])
def test_only_series_of_upstream_envoy_are_relabelled(upstream_envoy: bool) -> None:
    pods = jobs(settings(upstream_envoy=upstream_envoy))["kubernetes-pods"]
    relabelling = yaml.safe_load((PROMETHEUS / "relabelling.yaml").read_text())
    assert pods.get("metric_relabel_configs") == (relabelling if upstream_envoy else None)


def test_prometheus_keeps_exemplars_and_grafana_leads_from_them_to_their_traces() -> None:
    (deployment,) = (i for i in addon("prometheus") if i["kind"] == "Deployment")
    (server,) = (
        c for c in deployment["spec"]["template"]["spec"]["containers"] if c["name"] == "prometheus-server"
    )
    assert "--enable-feature=exemplar-storage" in server["args"]
    grafana = ROOT / "k8s/addons/grafana"
    sources = yaml.safe_load((grafana / "provisioning/datasources.yaml").read_text())["datasources"]
    by_kind = {source["type"]: source for source in sources}
    (link,) = by_kind["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert (link["name"], link["datasourceUid"]) == ("trace_id", by_kind["jaeger"]["uid"])


def test_prometheus_finds_the_pushgateway() -> None:
    service = yaml.safe_load((ROOT / "k8s/addons/pushgateway/service.yaml").read_text())
    (keep,) = jobs(settings(upstream_envoy=False))["prometheus-pushgateway"]["relabel_configs"]
    assert service["metadata"]["annotations"]["prometheus.io/probe"] == keep["regex"]


def test_a_mesh_of_somebody_elses_keeps_its_providers_and_gets_those_of_figtree() -> None:
    mesh = {"rootNamespace": "istio-system", "extensionProviders": [{"name": "theirs"}, {"name": "otel"}]}
    once = completed(mesh)
    assert [provider["name"] for provider in once["extensionProviders"]] == ["theirs", "otel", "json-lines"]
    assert once["extensionProviders"][1]["opentelemetry"]["port"] == 4318
    assert once["rootNamespace"] == "istio-system"
    assert once["pathNormalization"] == {"normalization": "DECODE_AND_MERGE_SLASHES"}
    assert completed(once) == once


@pytest.mark.parametrize("ephemeral", [True, False])
def test_loki_runs_on_a_cluster_without_storage_too(ephemeral: bool) -> None:
    (item,) = (i for i in addon("loki", ephemeral=ephemeral) if i["kind"] == "StatefulSet")
    pod = item["spec"]["template"]["spec"]
    assert [container["name"] for container in pod["containers"]] == ["loki"]
    claimed = {claim["metadata"]["name"] for claim in item["spec"].get("volumeClaimTemplates", ())}
    mounted = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounted <= claimed | {volume["name"] for volume in pod["volumes"]}
    assert claimed == (set() if ephemeral else {"storage"})


def test_prometheus_reads_an_exporter_of_each_database_and_nothing_else_of_its_pod() -> None:
    folder = ROOT / "k8s/addons/postgres-exporter"
    pod = yaml.safe_load((folder / "deployment.yaml").read_text())["spec"]["template"]
    ports = [port for container in pod["spec"]["containers"] for port in container["ports"]]
    databases = {path.name.removesuffix("-db") for path in (ROOT / "k8s/base").glob("*-db")}
    (keep,) = jobs(settings(upstream_envoy=False))["postgres"]["relabel_configs"]
    read = [port for port in ports if re.fullmatch(keep["regex"], f"postgres-exporter;{port['name']}")]
    assert [port["name"] for port in read] == [f"http-{c['name']}" for c in pod["spec"]["containers"]]
    assert {c["name"] for c in pod["spec"]["containers"]} == databases
    assert not re.fullmatch(keep["regex"], "postgres-exporter;http-envoy-prom")
    (rule,) = yaml.safe_load((folder / "networkpolicy.yaml").read_text())["spec"]["ingress"]
    (allowed,) = rule["ports"]
    assert {port["containerPort"] for port in read} == set(range(allowed["port"], allowed["endPort"] + 1))
