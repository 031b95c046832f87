"""Traces in Jaeger, figures in Prometheus and the graph that Kiali draws, on a cluster with k8s/scripts/addons."""

import json
from typing import Any

import pytest
from strangler.modules import SHAPES

from tests.support.dashboards import queries
from tests.support.edges import CALLS
from tests.support.traced import SECRET, assert_unbroken

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
FINAL = SHAPES[-1]


def test_jaegers_traces_show_who_calls_whom_and_nothing_else(watched: Any) -> None:
    assert watched.traced.edges == CALLS[FINAL]


def test_one_unbroken_trace_leads_from_the_users_request_to_the_fulfilled_order(watched: Any) -> None:
    assert_unbroken(watched.traced)


def test_no_log_and_no_span_names_a_customer_or_tells_a_secret(watched: Any) -> None:
    output = [*watched.traced.logs, *map(str, watched.traced.spans)]
    assert len(output) > 100
    assert [line for line in output if any(word in line for word in SECRET)] == []


def test_the_lines_of_an_orders_trace_are_found_by_its_id(watched: Any) -> None:
    assert {json.loads(line)["service"] for line in watched.lines} >= {"order"}


def test_kiali_draws_who_calls_whom_with_versions_and_padlocks_and_nothing_else(watched: Any) -> None:
    assert {(edge.source, edge.destination) for edge in watched.graph} == CALLS[FINAL]
    assert {edge.destination_version for edge in watched.graph} == {"v1"}
    assert all(edge.mtls for edge in watched.graph)


@pytest.mark.parametrize(("dashboard", "panel", "query"), list(queries()))
def test_each_panel_has_data(watched: Any, dashboard: str, panel: str, query: str) -> None:
    assert watched.points[query] > 0, f"{dashboard}: {panel}"


def test_the_scenes_that_the_dashboards_show_took_effect(watched: Any) -> None:
    assert watched.failed_scenes == []
