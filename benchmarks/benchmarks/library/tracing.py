"""A span of each call, sent to a collector in batches, and the trace handed on to the callee."""

from collections.abc import Sequence

from grpc import aio
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.grpc import aio_client_interceptors
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def interceptors(service: str, collector: str) -> Sequence[aio.ClientInterceptor]:
    """For a channel of `service`; `collector` is a URL that takes OTLP."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(collector)))
    traced: Sequence[aio.ClientInterceptor] = aio_client_interceptors(provider)  # type: ignore[no-untyped-call]
    return traced
