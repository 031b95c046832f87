"""The edge's paths are written once for the mesh and once for the strangler; both must say the same."""

import yaml
from runtime.manifests import ROOT
from strangler.modules import MODULES

EDGE = yaml.safe_load((ROOT / "istio/mesh/edge.yaml").read_text())
LED = {
    rule["delegate"]["name"]: tuple(match["uri"]["prefix"] for match in rule.get("match", ()))
    for rule in EDGE["spec"]["http"]
}


def test_each_modules_paths_take_its_own_route() -> None:
    assert {name: LED[f"edge-{name}"] for name in (m.name for m in MODULES)} == {
        m.name: m.prefixes for m in MODULES
    }


def test_each_route_of_the_edge_is_led_to_and_none_has_a_host_of_its_own() -> None:
    routes = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "istio").rglob("edge-*.yaml"))]
    routes = [one for one in routes if one["kind"] == "VirtualService"]
    assert len(routes) > 25
    assert {one["metadata"]["name"] for one in routes} == set(LED)
    assert [one for one in routes if {"hosts", "gateways"} & one["spec"].keys()] == []


def test_what_no_other_route_claims_comes_last() -> None:
    assert [name for name, prefixes in LED.items() if not prefixes] == ["edge-rest"] == [*LED][-1:]
