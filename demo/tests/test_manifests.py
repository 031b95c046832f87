import re

import pytest
import yaml
from localmesh import objects
from localmesh.localise import localised
from runtime import manifests
from runtime.api import Refused
from runtime.manifests import ROOT


def test_reads_a_workload_from_its_manifests() -> None:
    order = manifests.manifest("order")
    assert (order.command, order.service_account, order.port_name, order.port) == (
        ("order",),
        "order",
        "grpc",
        50051,
    )
    assert order.database
    assert order.protocol == "GRPC"
    assert manifests.manifest("monolith").health_path == "/healthz"
    assert not manifests.manifest("gateway").database


def test_knows_the_workloads_of_each_shape() -> None:
    shapes = {step: set(manifests.workloads_of(step)) for step in manifests.steps()}
    assert shapes["0-monolith"] == {"monolith"}
    assert shapes["3-pricing"] == {"monolith", "gateway", "currency", "title", "pricing", "customer"}
    assert shapes["5-no-monolith"] == {"gateway", "currency", "title", "pricing", "customer", "order"}


def test_a_service_that_selects_nothing_is_refused() -> None:
    service = manifests.service("title")
    del service["spec"]["selector"]
    with pytest.raises(Refused, match="Service title: the local mesh takes Services with a selector"):
        objects.service_entry(service)


def test_derives_the_mesh_objects_of_a_workload() -> None:
    title = manifests.manifest("title")
    assert objects.service_entry(manifests.service("title"))["spec"] == {
        "hosts": ["title.figtree.svc.cluster.local"],
        "location": "MESH_INTERNAL",
        "resolution": "STATIC",
        "ports": [{"number": 50051, "name": "grpc", "protocol": "GRPC"}],
        "workloadSelector": {"labels": {"app": "title"}},
    }
    assert objects.workload_entry(title, "v2", 3, "127.9.9.13", 50051) == {
        "apiVersion": "networking.istio.io/v1",
        "kind": "WorkloadEntry",
        "metadata": {
            "name": "title-v2-3",
            "namespace": "figtree",
            "labels": {"service.istio.io/workload-name": "title-v2"},
        },
        "spec": {
            "address": "127.9.9.13",
            "serviceAccount": "title",
            "labels": {"app": "title", "version": "v2", "figtree.example/slot": "3"},
            "ports": {"grpc": 50051},
        },
    }
    sidecar = objects.sidecar(title, "v1", 0, "127.9.9.10", 50051, "127.9.9.110", "/d/run/t.sock", ["./a.b"])
    assert sidecar["spec"]["ingress"] == [
        {
            "port": {"number": 50051, "protocol": "GRPC", "name": "grpc"},
            "bind": "127.9.9.10",
            "captureMode": "NONE",
            "defaultEndpoint": "unix:///d/run/t.sock",
        }
    ]
    assert sidecar["spec"]["egress"] == [{"bind": "127.9.9.110", "captureMode": "NONE", "hosts": ["./a.b"]}]


def test_localises_what_names_infrastructure_and_keeps_the_rest() -> None:
    env = localised(
        manifests.manifest("order"),
        listen="unix:/s",
        version="v1",
        nats_url="nats://t@127.1.1.4:4222",
        database_url="postgresql://x",
        egress="127.1.1.110",
        collector="http://127.1.1.7:4318",
        extra={"FULFILMENT_DELAY": "0.1"},
    )
    assert env == {
        "LISTEN": "unix:/s",
        "VERSION": "v1",
        "NATS_URL": "nats://t@127.1.1.4:4222",
        "DATABASE_URL": "postgresql://x",
        "EGRESS": "127.1.1.110",
        "FULFILMENT_DELAY": "0.1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.1.1.7:4318",
        "OTEL_TRACES_SAMPLER_ARG": "0",
    }
    pricing = localised(
        manifests.manifest("pricing"),
        listen="h:1",
        version="v2",
        nats_url="",
        neighbours={"title": "127.1.1.17:50051"},
    )
    assert pricing == {"LISTEN": "h:1", "VERSION": "v2", "RULESET": "v1", "TITLE_ADDRESS": "127.1.1.17:50051"}


def test_every_field_of_a_deployment_stands_in_the_table_of_what_the_local_mesh_honours() -> None:
    fields = set[str]()
    for path in (ROOT / "k8s" / "base").glob("*/deployment.yaml"):
        spec = yaml.safe_load(path.read_text())["spec"]
        pod = spec["template"]["spec"]
        (container,) = pod["containers"]
        for place, found in (("spec", spec), ("pod", pod), ("container", container)):
            fields |= {f"{place}.{name}" for name in found}
    documented = set(
        re.findall(r"`((?:spec|pod|container)\.\w+)`", (ROOT / "demo/localmesh/README.md").read_text())
    )
    assert documented == fields
