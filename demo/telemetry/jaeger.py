"""Spans as Jaeger's query API tells them: https://www.jaegertracing.io/docs/2.17/architecture/apis/#query-json-over-http."""

from collections.abc import Iterator, Mapping
from typing import Any

from telemetry.receiver import wanted, workload
from telemetry.spans import Span

STATUSES = {"OK": "ok", "ERROR": "error"}
KIND, STATUS, VERSION = "span.kind", "otel.status_code", "service.version"
OF_JAEGER = {KIND, STATUS, "error", "otel.scope.name", "otel.scope.version", "otel.status_description"}


def spans_of(trace: Mapping[str, Any]) -> list[Span]:
    """In the order in which they began; of two that began in the same microsecond the longer one, the parent, first."""
    return sorted(_spans(trace), key=lambda span: (span.start, -span.end))


def _spans(trace: Mapping[str, Any]) -> Iterator[Span]:
    for one in trace["spans"]:
        process, tags = trace["processes"][one["processID"]], _values(one)
        start = one["startTime"] / 1e6
        yield Span(
            trace_id=one["traceID"],
            span_id=one["spanID"],
            parent_id=next((r["spanID"] for r in one["references"] if r["refType"] == "CHILD_OF"), ""),
            service=workload(process["serviceName"]),
            version=str(_values(process).get(VERSION, "")),
            name=one["operationName"],
            kind=str(tags.get(KIND, "internal")),
            start=start,
            end=start + one["duration"] / 1e6,
            status=STATUSES.get(str(tags.get(STATUS)), "unset"),
            attributes=wanted((key, value) for key, value in tags.items() if key not in OF_JAEGER),
        )


def _values(tagged: Mapping[str, Any]) -> dict[str, object]:
    return {tag["key"]: tag["value"] for tag in tagged.get("tags", ())}
