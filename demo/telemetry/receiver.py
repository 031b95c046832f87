"""OTLP over HTTP, as sidecars and services send it: https://opentelemetry.io/docs/specs/otlp/#otlphttp."""

import gzip
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from telemetry.spans import ORDER_ID, Span, SpanStore

PROTOBUF = "application/x-protobuf"
CUSTOMER = re.compile(r"(?<=/api/customers/)[^/]+")  # as in k8s/addons/opentelemetry-collector/config.yaml
UNWANTED = {  # what a proxy says of itself in every span, or says twice; and an error's text, which may name a customer
    "grpc.message",
    "node_id",
    "zone",
    "downstream_cluster",
    "upstream_cluster.name",
    "istio.namespace",
    "istio.canonical_service",
    "istio.canonical_revision",
    "istio.cluster_id",
    "istio.mesh_id",
}
SCALARS = ("string_value", "int_value", "bool_value", "double_value")
LARGEST = 8 * 1024 * 1024
KINDS = {
    trace_pb2.Span.SPAN_KIND_SERVER: "server",
    trace_pb2.Span.SPAN_KIND_CLIENT: "client",
    trace_pb2.Span.SPAN_KIND_PRODUCER: "producer",
    trace_pb2.Span.SPAN_KIND_CONSUMER: "consumer",
}
STATUSES = {trace_pb2.Status.STATUS_CODE_OK: "ok", trace_pb2.Status.STATUS_CODE_ERROR: "error"}


def receiver(store: SpanStore) -> Starlette:
    async def traces(request: Request) -> Response:
        if request.headers.get("content-type") != PROTOBUF:
            return Response(status_code=415)
        body = await request.body()
        try:
            if request.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            if len(body) > LARGEST:
                return Response(status_code=413)
            message = ExportTraceServiceRequest.FromString(body)
        except (DecodeError, OSError, EOFError):
            return Response(status_code=400)
        store.add(spans_of(message))
        return Response(ExportTraceServiceResponse().SerializeToString(), media_type=PROTOBUF)

    return Starlette(routes=[Route("/v1/traces", traces, methods=["POST"])])


@dataclass(frozen=True, slots=True)
class SentSpan:
    """As OTLP has it, beside the resource that sent it."""

    resource: trace_pb2.ResourceSpans
    span: trace_pb2.Span

    @property
    def trace_id(self) -> str:
        return self.span.trace_id.hex()

    @property
    def order_id(self) -> str:
        return next((a.value.string_value for a in self.span.attributes if a.key == ORDER_ID), "")

    def read(self) -> Span:
        resource, span = _texts(self.resource.resource.attributes), self.span
        return Span(
            trace_id=self.trace_id,
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            service=workload(resource.get("service.name", "unknown")),
            version=sys.intern(resource.get("service.version", "")),
            name=sys.intern(span.name),
            kind=KINDS.get(span.kind, "internal"),
            start=span.start_time_unix_nano / 1e9,
            end=span.end_time_unix_nano / 1e9,
            status=STATUSES.get(span.status.code, "unset"),
            attributes=_texts(span.attributes),
        )


def spans_of(message: ExportTraceServiceRequest) -> Iterator[SentSpan]:
    for resource in message.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield SentSpan(resource, span)


def workload(service: str) -> str:
    """A sidecar calls itself <app>.<namespace>."""
    return sys.intern(service.partition(".")[0])


def wanted(attributes: Iterable[tuple[str, object]]) -> dict[str, str]:
    texts = {}
    for key, value in attributes:
        if key not in UNWANTED:
            text = str(value)
            if key == "http.url":
                text = CUSTOMER.sub("…", text.partition("?")[0])
            texts[sys.intern(key)] = sys.intern(text)
    return texts


def _texts(attributes: Iterable[KeyValue]) -> dict[str, str]:
    kinds = ((a.key, a.value, a.value.WhichOneof("value")) for a in attributes)
    return wanted((key, getattr(value, kind)) for key, value, kind in kinds if kind in SCALARS)
