"""What the cluster runtime makes of the manifests."""

import copy
import json
from typing import Any

import pytest
from manifests import render
from runtime.cluster.fleet import AUTOSCALERS, ISTIOS, Fleet
from runtime.cluster.helpers import OURS
from runtime.cluster.render import EXTRA, deployment

FULL = render.K8S / "steps" / "4-order"


def items(name: str) -> list[Any]:
    return copy.deepcopy([one for one in render.objects(FULL) if one["metadata"]["name"] == name])


def env(item: Any) -> dict[str, Any]:
    (container,) = item["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry for entry in container.pop("env")}


@pytest.mark.parametrize(
    ("name", "version", "settings"), [("pricing", "v2", {"RULESET": "v2"}), ("currency", "go", {})]
)
def test_a_version_that_a_scene_starts_is_what_the_canary_in_the_repository_is(
    name: str, version: str, settings: dict[str, str]
) -> None:
    started = deployment(items(name), version, settings, 1)
    (canary,) = copy.deepcopy(render.objects(render.K8S / "canary" / f"{name}-{version}"))
    assert env(started) == env(canary)
    assert json.loads(started["spec"]["template"]["metadata"]["annotations"].pop(EXTRA)) == settings
    assert started == canary


def test_another_program_comes_from_the_same_registry_with_the_same_tag() -> None:
    taken = items("currency")
    for item in taken:
        if item["kind"] == "Deployment":
            (container,) = item["spec"]["template"]["spec"]["containers"]
            container["image"] = "registry.example/you/figtree/services:v0.1.0"
    (container,) = deployment(taken, "go", {}, 1)["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/you/figtree/currency-go:v0.1.0"


def test_settings_given_at_start_take_the_place_of_the_manifests_own() -> None:
    plain = env(deployment(items("order"), "v1", {}, 1))
    given = env(deployment(items("order"), "shadow", {"DATABASE_URL": "postgresql://elsewhere"}, 1))
    assert plain["DATABASE_URL"]["valueFrom"]["secretKeyRef"] == {"name": "order-db", "key": "url"}
    assert given["DATABASE_URL"] == {"name": "DATABASE_URL", "value": "postgresql://elsewhere"}
    assert given["VERSION"]["value"] == "shadow"
    assert plain.keys() == given.keys()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_how_many_replicas_v1_has_is_left_to_who_scales(version: str) -> None:
    made = deployment(items("currency"), version, {}, 2)
    assert made["spec"].get("replicas") == (None if version == "v1" else 2)
    assert made["spec"]["selector"]["matchLabels"]["version"] == version


class Autoscalers:
    """The API server, as far as it has autoscalers."""

    def __init__(self) -> None:
        self.policies: dict[str, set[str]] = {}

    async def list(self, path: str) -> list[Any]:
        names = {AUTOSCALERS: ("currency", "pricing"), ISTIOS: ("istiod",)}[path]
        return [{"metadata": {"name": name}} for name in names]

    async def patch(self, path: str, change: Any) -> None:
        behavior = change["spec"]["behavior"]
        self.policies[path.rpartition("/")[2]] = {
            behavior[way]["selectPolicy"] for way in ("scaleUp", "scaleDown")
        }


def test_each_helper_of_scenes_bears_the_label_by_which_it_is_taken_away() -> None:
    name, _, value = OURS.partition("=")
    found = render.objects(render.K8S / "scenes" / "inside")
    assert {item["kind"] for item in found} >= {"Deployment", "Pod", "Service", "NetworkPolicy", "ConfigMap"}
    for item in found:
        metadata = [item["metadata"]]
        if "template" in item.get("spec", {}):
            metadata.append(item["spec"]["template"]["metadata"])
        assert [one["labels"][name] for one in metadata] == [value] * len(metadata), item["metadata"]["name"]


class Running:
    """A cluster with Deployments, each of one workload's version, and no pod that is slow to leave."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)
        self.scopes: list[str] = []

    async def labelled(self, _: str) -> list[Any]:
        return []

    async def list(self, _: str) -> list[Any]:
        return [
            {"metadata": {"name": name}, "spec": {"template": {"metadata": {"labels": labels(name)}}}}
            for name in self.names
        ]

    async def delete(self, what: Any, **_: str) -> None:
        if isinstance(what, str):
            self.names.discard(what.rpartition("/")[2])
        else:
            self.scopes += [path.stem for path in what]


def labels(name: str) -> dict[str, str]:
    app, _, version = name.partition("-")
    return {"app": app, "version": version or "v1"}


async def test_the_sidecar_of_a_workload_leaves_with_its_last_version_and_no_other_does() -> None:
    cluster: Any = Running("pricing", "pricing-v2", "order")
    fleet = Fleet(cluster, cluster, cluster, cluster, cluster, cluster)
    await fleet.stop("pricing", version="v1")
    assert (cluster.names, cluster.scopes) == ({"pricing-v2", "order"}, [])
    await fleet.stop("pricing", version="v2")
    assert (cluster.names, cluster.scopes) == ({"order"}, ["egress-pricing"])
    await fleet.stop("order")
    assert (cluster.names, cluster.scopes) == (set(), ["egress-pricing", "egress-order"])


async def test_autoscalers_are_held_still_and_let_go_all_of_them_or_by_name() -> None:
    api: Any = Autoscalers()
    unused: Any = None
    fleet = Fleet(api, unused, unused, unused, unused, unused)
    await fleet.autoscaling(False)
    assert api.policies == {name: {"Disabled"} for name in ("currency", "pricing", "istiod")}
    await fleet.autoscaling(True, "currency")
    assert api.policies == {"currency": {"Max"}, "pricing": {"Disabled"}, "istiod": {"Disabled"}}
