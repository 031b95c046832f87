"""Dashboards and Kiali's graph, on what Prometheus has seen of a real run."""

from typing import Any

import pytest

from tests.support.dashboards import queries
from tests.support.edges import CALLS

pytestmark = [pytest.mark.system, pytest.mark.alone, pytest.mark.timeout(900)]


@pytest.mark.parametrize(("dashboard", "panel", "query"), list(queries()))
def test_each_panel_has_data(watched: Any, dashboard: str, panel: str, query: str) -> None:
    assert watched.points[query] > 0, f"{dashboard}: {panel}"


def test_a_latency_leads_to_its_trace(watched: Any) -> None:
    assert watched.exemplars
    assert watched.exemplars <= watched.traced


@pytest.mark.parametrize("shape", CALLS)
def test_kiali_draws_who_calls_whom_with_versions_and_padlocks_and_nothing_else(
    watched: Any, shape: str
) -> None:
    edges = watched.graphs[shape]
    assert {(edge.source, edge.destination) for edge in edges} == CALLS[shape]
    assert {edge.destination_version for edge in edges} == {"v1"}
    assert all(edge.mtls for edge in edges)
    grpc = {(edge.source, edge.destination) for edge in edges if edge.protocol == "grpc"}
    assert grpc == {call for call in CALLS[shape] if call[0] != "istio-ingressgateway"}


@pytest.mark.parametrize("shape", CALLS)
def test_the_runtime_counts_the_same_calls(watched: Any, shape: str) -> None:
    assert watched.seen_by_runtime[shape] >= CALLS[shape]


def test_the_scenes_that_the_dashboards_show_took_effect(watched: Any) -> None:
    assert watched.failed_scenes == []


def test_no_two_series_of_a_proxy_have_the_same_labels_in_the_end(watched: Any) -> None:
    assert watched.same == []
