"""Spans as a collector receives them."""

from typing import Any

import pytest
import tracing
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.trace import SpanKind
from tracing import TracingSettings, begin, is_sampled, spans

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "r-1"}
UNSAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-00"}


def test_a_sampled_request_gets_a_span_that_the_headers_then_name(collector: Any) -> None:
    with (
        collector.recording(),
        tracing.span("PUT", SpanKind.PRODUCER, SAMPLED, messaging__system="nats") as headers,
    ):
        assert headers["x-request-id"] == "r-1"
    (span,) = collector.spans
    assert span.trace_id.hex() == TRACE
    assert span.parent_span_id.hex() == PARENT
    assert headers["traceparent"] == f"00-{TRACE}-{span.span_id.hex()}-01"
    assert (span.name, span.kind) == ("PUT", Span.SPAN_KIND_PRODUCER)
    assert {a.key: a.value.string_value for a in span.attributes} == {"messaging.system": "nats"}
    assert collector.resource == {"service.name": "order", "service.version": "v2"}


def test_what_is_not_sampled_keeps_its_headers_and_costs_no_span(collector: Any) -> None:
    with collector.recording(share=1.0):
        for headers in (UNSAMPLED, {}):
            with tracing.span("PUT", SpanKind.PRODUCER, headers) as unchanged:
                assert unchanged is headers
        assert begin("GET", SpanKind.SERVER, UNSAMPLED, root=True) is None
    assert collector.spans == []


@pytest.mark.parametrize(("share", "begun"), [(0.0, 0), (1.0, 1)])
def test_a_request_without_anybodys_decision_is_sampled_by_the_setting(
    collector: Any, share: float, begun: int
) -> None:
    with collector.recording(share):
        started = begin("GET", SpanKind.SERVER, {}, root=True)
        if started is not None:
            started.end()
    assert len(collector.spans) == begun
    assert all(span.parent_span_id == b"" for span in collector.spans)


def test_an_error_marks_the_span_with_its_kind_only(collector: Any) -> None:
    with (
        collector.recording(),
        pytest.raises(ValueError, match="hunter2"),
        tracing.span("PUT", SpanKind.CLIENT, SAMPLED),
    ):
        raise ValueError("password=hunter2")
    (span,) = collector.spans
    assert (span.status.code, span.status.message) == (2, "ValueError")
    assert b"hunter2" not in span.SerializeToString()


def test_without_an_endpoint_nothing_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "_tracer", None)
    tracing.configure("order", "v1", TracingSettings(otel_exporter_otlp_endpoint=""))
    assert begin("GET", SpanKind.SERVER, SAMPLED) is None


@pytest.mark.parametrize(
    ("header", "sampled"),
    [
        (SAMPLED["traceparent"], True),
        (UNSAMPLED["traceparent"], False),
        (SAMPLED["traceparent"][:-1] + "3", True),
        (SAMPLED["traceparent"][:-1], False),
        ("", False),
    ],
)
def test_the_last_bit_says_whether_a_request_is_sampled(header: str, sampled: bool) -> None:
    assert is_sampled(header) is sampled
