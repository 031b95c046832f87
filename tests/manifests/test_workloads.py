"""What must be true of every rendered manifest, whatever else somebody adds."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import yaml
from localmesh.sidecar import SPANS, STATISTICS
from manifests import render
from manifests.render import Object
from runtime.manifests import ROOT, manifest

ALL = render.folders()
FOR_SCENES = [folder for folder in ALL if "scenes" in folder.parts]
OWN = [folder for folder in ALL if "addons" not in folder.parts and folder not in FOR_SCENES]
FULL = render.K8S / "steps" / "4-order"
CANARIES = {"pricing": "v2", "currency": "go"}
RUNS = ("Deployment", "StatefulSet", "Job", "DaemonSet")


def of(folder: Any, *kinds: str) -> list[Object]:
    return [item for item in render.objects(folder) if item["kind"] in kinds]


def containers(item: Object) -> Iterator[tuple[Object, Object]]:
    pod = item["spec"]["template"]["spec"]
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        yield pod, container


def names(paths: list[Any]) -> list[str]:
    return [str(path.relative_to(render.K8S)) for path in paths]


@pytest.mark.parametrize("folder", ALL, ids=names(ALL))
def test_every_image_has_a_tag_that_means_one_thing(folder: Any) -> None:
    for item in of(folder, *RUNS):
        for _, container in containers(item):
            _, _, tag = container["image"].partition(":")
            assert tag or container["image"] == "auto", container["image"]  # auto: Istio puts its own there
            assert tag != "latest"


@pytest.mark.parametrize("folder", OWN, ids=names(OWN))
def test_every_own_container_fits_pod_security_restricted(folder: Any) -> None:
    for item in of(folder, *RUNS):
        for pod, container in containers(item):
            own, context = container["securityContext"], pod["securityContext"]
            assert context["runAsNonRoot"] is True
            assert context["runAsUser"] > 0
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}
            assert own["allowPrivilegeEscalation"] is False
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert own["readOnlyRootFilesystem"] is True or "dev" in folder.parts
            assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()


def test_what_scenes_put_among_the_workloads_fits_restricted_too() -> None:
    inside = render.K8S / "scenes" / "inside"
    assert inside in FOR_SCENES
    for item in of(inside, *RUNS):
        for pod, container in containers(item):
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_every_sidecar_and_the_gateway_keep_the_figures_that_scenes_read() -> None:
    found = set()
    canaries = [item for folder in (render.K8S / "canary").iterdir() for item in of(folder, "Deployment")]
    assert len(canaries) == len(CANARIES)
    for item in (*of(FULL, "Deployment", "StatefulSet"), *canaries):
        annotations = item["spec"]["template"]["metadata"]["annotations"]
        found.add(annotations["proxy.istio.io/config"])
    (settings,) = (yaml.safe_load(text) for text in found)
    installed = yaml.safe_load((render.K8S / "istio.yaml").read_text())["spec"]["meshConfig"]["defaultConfig"]
    assert settings["proxyStatsMatcher"]["inclusionRegexps"] == STATISTICS
    assert settings["runtimeValues"] == SPANS
    assert settings.items() <= installed.items()


@pytest.mark.parametrize("folder", OWN, ids=names(OWN))
def test_every_service_port_is_named_by_its_protocol(folder: Any) -> None:
    for service in of(folder, "Service"):
        for port in service["spec"]["ports"]:
            assert port["name"].partition("-")[0] == port["appProtocol"]


@pytest.mark.parametrize("folder", OWN, ids=names(OWN))
def test_no_secret_is_part_of_a_manifest(folder: Any) -> None:
    assert not of(folder, "Secret")


def test_pod_security_is_enforced_where_istio_init_is_not_needed_and_warned_of_elsewhere() -> None:
    for folder in OWN:
        for namespace in of(folder, "Namespace"):
            labels = namespace["metadata"]["labels"]
            assert labels["pod-security.kubernetes.io/warn"] == "restricted"
            enforced = labels.get("pod-security.kubernetes.io/enforce") == "restricted"
            assert enforced == bool({"overlays", "load"} & set(folder.parts))


def test_a_file_holds_one_object_and_is_named_for_its_kind() -> None:
    files = [path for path in (render.K8S / "base").glob("*/*.yaml") if path.name != "kustomization.yaml"]
    assert len(files) > 70
    for path in files:
        (item,) = render.read(path)
        kind = item["kind"].lower()
        assert path.stem == kind or path.stem.startswith(f"{kind}-"), path


def test_every_workload_has_an_account_probes_and_a_budget_of_its_own() -> None:
    accounts = {item["metadata"]["name"] for item in of(FULL, "ServiceAccount")}
    budgets = {item["metadata"]["name"]: item["spec"] for item in of(FULL, "PodDisruptionBudget")}
    scaled = {item["spec"]["scaleTargetRef"]["name"] for item in of(FULL, "HorizontalPodAutoscaler")}
    for item in of(FULL, "Deployment"):
        name = item["metadata"]["name"]
        pod = item["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["serviceAccountName"] == name
        assert name in accounts & scaled & budgets.keys()
        assert budgets[name]["selector"]["matchLabels"] == {"app": name}
        probe = "grpc" if container["ports"][0]["name"] == "grpc" else "httpGet"
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert probe in container[kind]
        assert (
            container["lifecycle"]["preStop"]["sleep"]["seconds"] + 11 < pod["terminationGracePeriodSeconds"]
        )
        assert "replicas" not in item["spec"], "it would fight with the autoscaler at each apply"


@pytest.mark.parametrize(("name", "version"), CANARIES.items())
def test_a_canary_is_a_deployment_only_and_leaves_the_service_as_it_is(name: str, version: str) -> None:
    (canary,) = render.objects(render.K8S / "canary" / f"{name}-{version}")
    assert (canary["kind"], canary["metadata"]["name"]) == ("Deployment", f"{name}-{version}")
    (service,) = (item for item in of(FULL, "Service") if item["metadata"]["name"] == name)
    (stable,) = (item for item in of(FULL, "Deployment") if item["metadata"]["name"] == name)
    assert service["spec"]["selector"] == {"app": name}
    for item, label in ((stable, "v1"), (canary, version)):
        assert item["spec"]["selector"]["matchLabels"] == {"app": name, "version": label}
        labels = item["spec"]["template"]["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()
        assert labels["version"] == label
    environment = {one["name"]: one.get("value") for _, c in containers(canary) for one in c["env"]}
    assert environment["VERSION"] == version
    assert name != "pricing" or environment["RULESET"] == "v2"


def test_currency_in_go_is_another_program_beside_the_same_migration() -> None:
    (canary,) = render.objects(render.K8S / "canary" / "currency-go")
    (stable,) = (item for item in of(FULL, "Deployment") if item["metadata"]["name"] == "currency")
    (_, migrate), (_, go) = copy.deepcopy([*containers(canary)])
    (_, first), (_, python) = copy.deepcopy([*containers(stable)])
    assert migrate == first
    assert (go.pop("image"), go.pop("command")) == ("figtree/currency-go:v1", ["/currency"])
    assert (python.pop("image"), python.pop("command")) == ("figtree/services:v1", ["currency"])
    assert go.pop("env") != python.pop("env")  # VERSION
    assert go == python
    program = manifest("currency", "go")
    assert (program.image, program.command) == ("figtree/currency-go", ("/currency",))
    assert replace(program, image="figtree/services", command=("currency",)) == manifest("currency")


def test_a_database_can_replicate_and_its_password_is_its_own() -> None:
    seen = set()
    for item in of(FULL, "StatefulSet"):
        name = item["metadata"]["name"]
        if name.endswith("-db"):
            (container,) = item["spec"]["template"]["spec"]["containers"]
            assert {"wal_level=logical", "max_replication_slots=16", "max_slot_wal_keep_size=512MB"} <= set(
                container["args"]
            )
            keys = {
                one["valueFrom"]["secretKeyRef"]["name"] for one in container["env"] if "valueFrom" in one
            }
            assert keys == {name, f"{name}-admin"}
            seen |= keys
    assert len(seen) == 12


def test_without_a_storage_class_nothing_is_claimed() -> None:
    for folder in (render.K8S / "overlays" / "local-cluster").iterdir():
        assert all("volumeClaimTemplates" not in item["spec"] for item in of(folder, "StatefulSet"))


def test_every_step_is_the_one_before_and_more_until_the_monolith_goes() -> None:
    steps = [
        {render.name_of(item) for item in render.objects(folder)}
        for folder in sorted(OWN)
        if folder.parent.name == "steps"
    ]
    for before, after in pairwise(steps[:-1]):
        assert before < after
    gone = steps[-2] - steps[-1]
    assert {name.rpartition("/")[2].partition("-")[0] for name in gone} == {"monolith"}


def test_no_manifest_names_a_host_of_the_internet() -> None:
    for path in (*(ROOT / "istio").rglob("*.yaml"), *render.K8S.rglob("*.yaml")):
        for word in path.read_text().replace('"', " ").split():
            if "://" in word:
                host = word.split("://")[1].partition("/")[0].partition(":")[0].rpartition("@")[2]
                assert (
                    host.endswith((".example", ".local", ".istio-system"))
                    or "." not in host
                    or host[0].isdigit()
                ), word
