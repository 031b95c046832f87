"""The comparison of the proxies finds what differs; that both runtimes are alike shows where a cluster is."""

from pathlib import Path
from typing import Any

import pytest
from runtime.manifests import ROOT
from strangler.declared import read

from tests.proxies import compare, states
from tests.proxies.normal import normal

CLUSTER = "outbound|50051||title.figtree.svc.cluster.local;"
MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)


def dump(timeout: str = "2s", domains: tuple[str, ...] = (), failures: int = 3) -> dict[str, Any]:
    """As Envoy prints it, as little as it takes."""
    route = {
        "match": {"prefix": "/"},
        "route": {"cluster": CLUSTER, "timeout": timeout},
        "decorator": {"operation": "x"},
    }
    host = {"name": "title.figtree.svc.cluster.local:50051", "domains": list(domains), "routes": [route]}
    cluster = {
        "name": CLUSTER,
        "type": "EDS",
        "outlier_detection": {"consecutive_5xx": failures},
        "metadata": {"x": 1},
    }
    chain = {
        "filters": [
            {
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": {
                    "@type": MANAGER,
                    "route_config": {"virtual_hosts": [{"name": "inbound|http|50051", "routes": []}]},
                    "http_filters": [{"name": "envoy.filters.http.router"}],
                },
            }
        ]
    }
    kinds: dict[str, dict[str, Any]] = {
        "Clusters": {"dynamic_active_clusters": [{"cluster": cluster}, {"cluster": {"name": "xds-grpc"}}]},
        "Listeners": {"dynamic_listeners": [{"active_state": {"listener": {"filter_chains": [chain]}}}]},
        "Routes": {"dynamic_route_configs": [{"route_config": {"virtual_hosts": [host]}}]},
    }
    configs = [
        {"@type": f"type.googleapis.com/envoy.admin.v3.{kind}ConfigDump", **kinds[kind]} for kind in kinds
    ]
    return {"configs": configs}


def found(left: dict[str, Any], right: dict[str, Any]) -> list[compare.Difference]:
    return compare.differences({"s": {"gateway": normal(left)}}, {"s": {"gateway": normal(right)}})


def test_where_a_proxy_stands_makes_no_difference() -> None:
    assert normal(dump())["inbound"] == [{"tls": "none", "filters": [{"name": "envoy.filters.http.router"}]}]
    assert not found(dump(), dump(domains=("10.96.0.7", "title")))


@pytest.mark.parametrize(
    ("other", "where"),
    [
        (dump(timeout="3s"), "gateway/routes/title.figtree.svc.cluster.local:50051/0/route/timeout"),
        (dump(failures=5), f"gateway/clusters/{CLUSTER[:-1]}/outlier_detection/consecutive_5xx"),
    ],
)
def test_another_timeout_or_threshold_does(other: dict[str, Any], where: str) -> None:
    assert [one.path for one in found(dump(), other)] == [where]
    assert compare.unexplained(found(dump(), other))


def test_a_state_that_only_one_side_has_is_reported() -> None:
    assert [one.path for one in compare.differences({"a": {}}, {})] == ["state"]


def test_what_is_explained_has_a_reason() -> None:
    assert all(len(one.why) > 40 for one in compare.explained())


def test_scoping_explains_what_the_cluster_has_not_and_no_other_difference() -> None:
    path = "title/clusters/outbound|50051||order.figtree.svc.cluster.local"
    less, other = (
        compare.Difference("s", path, {"type": "EDS"}, cluster) for cluster in (None, {"type": "STATIC"})
    )
    assert compare.unexplained([less, other]) == [other]


def test_every_state_that_both_runtimes_can_take_is_looked_at_once() -> None:
    looked_at = [path for paths in states.states() for path in paths]
    folders = {path.parent.name for path in looked_at}
    assert sorted(looked_at) == sorted(set(looked_at))
    assert {*looked_at, *states.SUBSETS} == {
        p for f in states.FOLDERS for p in (ROOT / "istio" / f).glob("*.yaml")
    }
    assert folders == set(states.FOLDERS)


def test_no_object_is_in_a_state_twice() -> None:
    def names(paths: tuple[Path, ...]) -> list[str]:
        return [name for path in paths for name in read(path)]

    for paths in states.states():
        assert len(names(paths)) == len(set(names(paths)))
