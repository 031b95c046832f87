"""Spans as they are sent and kept, and calls as sidecars count them."""

import gzip
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import httpx
import pytest
import yaml
from localmesh.istiod import MESH_CONFIG
from localmesh.observing import Observing as LocalObserving
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from runtime.cluster.observing import Observing as ClusterObserving
from runtime.manifests import ROOT, health
from telemetry import jaeger, kiali
from telemetry.edges import EdgeCounters, read, summed
from telemetry.figures import Figures
from telemetry.receiver import PROTOBUF, receiver
from telemetry.spans import ORDER_ID, Span, SpanStore

CLIENT, FAILED = Sent.SPAN_KIND_CLIENT, Status.STATUS_CODE_ERROR
TRACE, FIRST, SECOND = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"


async def test_each_replica_has_its_last_lines_on_both_runtimes(tmp_path: Path) -> None:
    texts = {
        "pricing-v2-0": "".join(f"v2 {i}\n" for i in range(9)),
        "pricing-x-0": "".join(f"v1 {i}\n" for i in range(9)),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)

    async def request(_: str, path: str, params: dict[str, Any]) -> httpx.Response:
        text = texts[path.split("/")[-2]]
        return httpx.Response(200, text="\n".join(text.splitlines()[-params["tailLines"] :]))

    pods = MagicMock()
    pods.of = AsyncMock(return_value=[{"metadata": {"name": name, "namespace": "figtree"}} for name in texts])
    cluster = ClusterObserving(MagicMock(request=request), pods, MagicMock(), MagicMock(), MagicMock())
    fleet, lookup = MagicMock(), MagicMock()
    fleet.replicas.return_value = list(texts)
    lookup.process.side_effect = lambda _, __, number: MagicMock(log=tmp_path / list(texts)[number])
    local = LocalObserving(MagicMock(), fleet, lookup, MagicMock(), MagicMock(), MagicMock())
    for observing in (cluster, local):
        lines = await observing.logs("pricing", "proxy", 2)
        assert [line.strip() for line in lines] == ["v2 7", "v2 8", "v1 7", "v1 8"]


def span(trace_id: str, span_id: str, parent_id: str = "", service: str = "order", order: str = "") -> Span:
    attributes = {ORDER_ID: order} if order else {}
    return Span(trace_id, span_id, parent_id, service, "v1", "x", "server", 1.0, 2.0, "unset", attributes)


def sent() -> bytes:
    message = ExportTraceServiceRequest()
    for service, span_id, parent in (("gateway.figtree", FIRST, ""), ("order", SECOND, FIRST)):
        resource_spans = message.resource_spans.add()
        resource_spans.resource.attributes.add(key="service.name").value.string_value = service
        resource_spans.resource.attributes.add(key="service.version").value.string_value = "v2"
        one = resource_spans.scope_spans.add().spans.add(name="PlaceOrder", kind=CLIENT)
        one.trace_id, one.span_id = bytes.fromhex(TRACE), bytes.fromhex(span_id)
        one.parent_span_id = bytes.fromhex(parent)
        one.start_time_unix_nano, one.end_time_unix_nano = 1_500_000_000, 2_000_000_000
        one.attributes.add(key=ORDER_ID).value.string_value = "o-1"
        one.attributes.add(key="http.status_code").value.int_value = 201
        one.attributes.add(key="http.url").value.string_value = "http://edge/api/customers/c-0001?fields=all"
        one.status.code = FAILED
    return message.SerializeToString()


async def post(store: SpanStore, content: bytes, **headers: str) -> int:
    transport = httpx.ASGITransport(receiver(store))
    async with httpx.AsyncClient(transport=transport, base_url="http://otlp") as client:
        answer = await client.post(
            "/v1/traces", content=content, headers={"content-type": PROTOBUF, **headers}
        )
    return answer.status_code


@pytest.mark.parametrize("zipped", [False, True])
async def test_spans_that_are_sent_are_found_by_their_trace_and_by_the_order(zipped: bool) -> None:
    store = SpanStore()
    body, headers = (gzip.compress(sent()), {"content-encoding": "gzip"}) if zipped else (sent(), {})
    assert await post(store, body, **headers) == 200
    first, second = store.trace(TRACE)
    assert (first.service, first.version, first.kind, first.status) == ("gateway", "v2", "client", "error")
    assert (first.start, first.end, first.parent_id) == (1.5, 2.0, "")
    assert second.parent_id == first.span_id
    assert second.attributes == {
        ORDER_ID: "o-1",
        "http.status_code": "201",
        "http.url": "http://edge/api/customers/…",
    }
    assert store.of_order("o-1") == [[first, second]]
    assert store.of_order("o-2") == []
    assert store.edges() == {("gateway", "order")}


def tags(**values: object) -> list[dict[str, object]]:
    return [
        {"key": key.replace("__", "."), "type": "string", "value": value} for key, value in values.items()
    ]


def jaeger_span(span_id: str, process: str, parents: list[str]) -> dict[str, object]:
    """As Jaeger tells a span of `sent`."""
    return {
        "traceID": TRACE,
        "spanID": span_id,
        "processID": process,
        "operationName": "PlaceOrder",
        "references": [{"refType": "CHILD_OF", "traceID": TRACE, "spanID": parent} for parent in parents],
        "startTime": 1_500_000,
        "duration": 500_000,
        "tags": tags(
            figtree__order_id="o-1",
            http__status_code=201,
            http__url="http://edge/api/customers/c-0001?fields=all",
            span__kind="client",
            otel__status_code="ERROR",
            error=True,
            otel__scope__name="envoy",
            node_id="x",
        ),
    }


async def test_jaeger_tells_the_same_spans_that_were_sent() -> None:
    store = SpanStore()
    await post(store, sent())
    processes = {
        "p1": {"serviceName": "gateway.figtree", "tags": tags(service__version="v2")},
        "p2": {"serviceName": "order", "tags": tags(service__version="v2")},
    }
    spans = [jaeger_span(FIRST, "p1", []), jaeger_span(SECOND, "p2", [FIRST])]
    assert jaeger.spans_of({"traceID": TRACE, "processes": processes, "spans": spans}) == store.trace(TRACE)


def test_figures_that_somebody_keeps_go_on_from_where_they_were() -> None:
    passed = {"scene": "timeout", "verdict": "passed"}
    first = Figures()
    first.report("figtree_scenes_total", 1, passed)
    second = Figures(first.text() + 'go_threads 8\nfigtree_shape{job="figtree",instance=""} 3\n')
    second.report("figtree_scenes_total", 1, passed)
    assert 'figtree_scenes_total{scene="timeout",verdict="passed"} 2.0' in second.text("figtree_scenes_total")
    assert "figtree_shape 3.0" in second.text("figtree_shape")
    assert "figtree_shape" not in second.text("figtree_scenes_total")


async def test_what_is_no_otlp_is_refused() -> None:
    store = SpanStore()
    assert await post(store, b"\xff\xff\xff") == 400
    assert await post(store, b"not zipped", **{"content-encoding": "gzip"}) == 400
    assert await post(store, b"{}", **{"content-type": "application/json"}) == 415
    assert store.recent() == []


def test_the_store_forgets_the_traces_that_rest_longest() -> None:
    store = SpanStore(traces=2)
    store.add([span("a", "1", order="o-a"), span("b", "1", order="o-b")])
    store.add([span("a", "2", "1")])
    store.add([span("c", "1")])
    assert [spans[0].trace_id for spans in store.recent()] == ["c", "a"]
    assert store.of_order("o-b") == []
    assert len(store.of_order("o-a")[0]) == 2
    assert [spans[0].trace_id for spans in store.recent(1)] == ["c"]


SOURCE = (
    'reporter="source",source_workload="order",source_canonical_service="order",source_canonical_revision="v1",'
    'peer="pricing-v2-1;figtree;pricing;v2;Kubernetes",request_protocol="grpc",'
    'source_principal="spiffe://cluster.local/ns/figtree/sa/order"'
)
RECEIVED = (
    'reporter="destination",peer="order;figtree;order;v1;Kubernetes",destination_canonical_service="pricing",'
    'destination_canonical_revision="v2",request_protocol="grpc",source_principal=""'
)
STATISTICS = f"""
# TYPE envoy_istio_requests_total counter
envoy_istio_requests_total{{{SOURCE},response_code="200",grpc_response_status="0"}} 7
envoy_istio_requests_total{{{SOURCE},response_code="200",grpc_response_status="14"}} 2
envoy_istio_requests_total{{{SOURCE},response_code="200",grpc_response_status="5"}} 1
envoy_istio_request_duration_milliseconds_bucket{{{SOURCE},le="5"}} 9
envoy_istio_request_duration_milliseconds_bucket{{{SOURCE},le="+Inf"}} 10
envoy_istio_request_duration_milliseconds_sum{{{SOURCE}}} 31.5
envoy_istio_requests_total{{{SOURCE.replace("pricing-v2-1;figtree;pricing;v2;Kubernetes", "-")},response_code="503"}} 4
envoy_istio_requests_total{{{RECEIVED},response_code="200"}} 3
envoy_istio_requests_total{{{RECEIVED},mirrored="true",response_code="500"}} 6
"""


def test_calls_are_counted_at_their_source_and_mirrored_ones_at_their_destination() -> None:
    edges = {edge.mirrored: edge for edge in read(STATISTICS)}
    ends = ("order", "v1", "pricing", "v2", "grpc")
    assert edges[False] == EdgeCounters(*ends, True, False, 10, 2, 31.5, {5.0: 9})
    assert edges[True] == EdgeCounters(*ends, False, True, 6, 6)


def test_a_sidecar_that_does_not_know_its_labels_is_told_whose_it_is() -> None:
    """As in a cluster: neither its own nor, in what a caller says of itself, the caller's."""
    text = STATISTICS.replace('service="order"', 'service="-"').replace('service="pricing"', 'service="-"')
    text = text.replace('revision="v1"', 'revision="-"').replace(
        "order;figtree;order;v1", "order;figtree;-;-"
    )
    edges = {edge.mirrored: edge for edge in read(text, ("mine", "v3"))}
    assert edges[False].key[:4] == ("mine", "v3", "pricing", "v2")
    assert edges[True].key[:4] == ("order", "-", "mine", "v2")


def test_replicas_are_summed() -> None:
    (edge,) = (e for e in summed([read(STATISTICS), read(STATISTICS)]) if not e.mirrored)
    assert (edge.requests, edge.errors, edge.milliseconds, edge.buckets) == (20, 4, 63.0, {5.0: 18})


def test_a_cluster_and_this_machine_trace_and_log_alike() -> None:
    content = yaml.safe_load((ROOT / "k8s" / "istio.yaml").read_text())
    installed = {
        provider["name"]: provider for provider in content["spec"]["meshConfig"]["extensionProviders"]
    }
    declared: dict[str, Any] = {provider["name"]: provider for provider in MESH_CONFIG["extensionProviders"]}  # type: ignore[attr-defined]
    assert installed["json-lines"] == declared["json-lines"]
    assert {**declared["otel"]["opentelemetry"], "resourceDetectors": None} == {
        **installed["otel"]["opentelemetry"],
        "resourceDetectors": None,
    }


class FixedPrometheus:
    """A Prometheus that gives the same series to every question."""

    def __init__(self, *series: dict[str, str]) -> None:
        self._series = series

    async def query(self, _: str) -> list[dict[str, Any]]:
        return [{"metric": labels, "value": [0, labels["rate"]]} for labels in self._series]


def series(version: str, rate: str, **others: str) -> dict[str, str]:
    known = {"source_canonical_service": "gateway", "source_canonical_revision": "v1"}
    known |= {"destination_canonical_service": "pricing", "destination_canonical_revision": version}
    common = dict.fromkeys(kiali.GROUPED_BY.split(","), "x") | {
        "response_code": "200",
        "request_protocol": "grpc",
    }
    return common | known | {"connection_security_policy": kiali.SECURE, "rate": rate} | others


async def test_kialis_graph_tells_the_share_of_each_version_and_what_failed_and_why() -> None:
    refused = series("v2", "0.5", response_code="200", grpc_response_status="14", response_flags="UO,URX")
    fine = [series("v1", "9", grpc_response_status="0", response_flags="-"), series("v2", "0.5")]
    edges = await kiali.graph(FixedPrometheus(*fine, refused))  # type: ignore[arg-type]
    assert kiali.lines(edges) == [
        "gateway v1 -> pricing v1  grpc  9.0/s  90 %  0 % failed  mTLS",
        "gateway v1 -> pricing v2  grpc  1.0/s  10 %  50 % failed  mTLS  UO URX",
    ]


@pytest.mark.parametrize("code", ["0", "404", "503"])
async def test_kiali_draws_what_had_no_good_answer_in_red_and_plaintext_without_a_padlock(code: str) -> None:
    one = series("v1", "2", response_code=code, request_protocol="http", connection_security_policy="none")
    (line,) = kiali.lines(await kiali.graph(FixedPrometheus(one)))  # type: ignore[arg-type]
    assert line == "gateway v1 -> pricing v1  http  2.0/s  100 %  100 % failed  no mTLS"


@pytest.mark.parametrize(
    ("protocol", "code", "status", "failed"),
    [
        ("http", "200", "", 0),
        ("http", "404", "", 0),
        ("http", "503", "", 100),
        ("http", "0", "", 100),
        ("grpc", "200", "0", 0),
        ("grpc", "200", "5", 0),
        ("grpc", "200", "7", 100),
        ("grpc", "200", "9", 0),
        ("grpc", "200", "10", 0),
        ("grpc", "200", "14", 100),
        ("grpc", "200", "16", 100),
        ("grpc", "503", "", 100),
    ],
)
async def test_with_the_annotation_of_the_services_a_right_answer_is_no_failure(
    protocol: str, code: str, status: str, failed: int
) -> None:
    answers = {"request_protocol": protocol, "response_code": code, "grpc_response_status": status}
    (edge,) = (
        await kiali.graph(FixedPrometheus(series("v1", "2", **answers)), health=health())  # type: ignore[arg-type]
    ).values()
    assert edge.failed == failed / 100 * 2


async def test_what_nobody_answered_for_has_failed_as_by_default() -> None:
    one = series(
        "v1", "2", response_code="404", request_protocol="http", destination_canonical_service="unknown"
    )
    (edge,) = (await kiali.graph(FixedPrometheus(one), health=health())).values()  # type: ignore[arg-type]
    assert edge.failed == 2


async def test_what_kiali_would_leave_out_is_reported() -> None:
    one = series("v1", "2")
    del one["destination_service_name"]
    with pytest.raises(ValueError, match="it has no destination_service_name"):
        await kiali.graph(FixedPrometheus(one))  # type: ignore[arg-type]
