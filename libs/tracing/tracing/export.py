"""The SDK: what is recorded leaves in batches, from a thread of its own."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Tracer

from tracing.settings import TracingSettings

PATIENCE = 2.0  # seconds that a collector may take; spans are not worth a slow end


def tracer(service: str, version: str, settings: TracingSettings) -> Tracer:
    """A tracer that sends its spans to the collector of the settings."""
    endpoint = f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces"
    provider = TracerProvider(
        ALWAYS_ON,  # only sampled requests get as far as here
        Resource({SERVICE_NAME: service, SERVICE_VERSION: version}),
    )
    exporter = OTLPSpanExporter(endpoint, timeout=PATIENCE)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, schedule_delay_millis=settings.otel_bsp_schedule_delay)
    )
    return provider.get_tracer("tracing")
