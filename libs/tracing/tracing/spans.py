"""One tracer a process, and what is started with it: the parent is always a traceparent, not a hidden context."""

from collections.abc import Mapping
from random import random
from types import TracebackType

from opentelemetry import trace
from opentelemetry.propagators import textmap
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tracing.settings import TracingSettings

Headers = Mapping[str, str]
TRACEPARENT = "traceparent"
W3C = TraceContextTextMapPropagator()

_tracer: Tracer | None = None
_share = 0.0


def configure(service: str, version: str, settings: TracingSettings) -> None:
    """From now on sampled requests are recorded, if the settings say where to send them."""
    global _tracer, _share
    if settings.otel_exporter_otlp_endpoint:
        from tracing.export import tracer  # half of a service's memory that most tests do without

        _tracer, _share = tracer(service, version, settings), settings.otel_traces_sampler_arg


def is_sampled(traceparent: str) -> bool:
    """Whether the flags of a W3C traceparent say that the request is recorded."""
    return len(traceparent) == 55 and traceparent[54] in "13579bdf"


def begin(name: str, kind: SpanKind, headers: Headers, *, root: bool = False) -> "Started | None":
    """A span below the one that the headers name, if that is sampled; `root` begins traces of its own as well."""
    if _tracer is None:
        return None
    parent = headers.get(TRACEPARENT, "")
    if is_sampled(parent) or (root and not parent and random() < _share):  # noqa: S311
        return Started(_tracer.start_span(name, W3C.extract(headers), kind), headers)
    return None


class Started:
    """A span under way; `headers` name it as the parent of what follows."""

    def __init__(self, span: Span, headers: Headers) -> None:
        self.span = span
        carried: dict[str, str] = {}
        W3C.inject(carried, trace.set_span_in_context(span), textmap.default_setter)
        self.headers = {**headers, **carried}

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        return trace.format_trace_id(self.span.get_span_context().trace_id)

    def set(self, **attributes: str | int) -> None:
        """Names as OpenTelemetry writes them, with __ for the dots."""
        for name, value in attributes.items():
            self.span.set_attribute(name.replace("__", "."), value)

    def fail(self, description: str) -> None:
        """Mark the span as failed."""
        self.span.set_status(Status(StatusCode.ERROR, description))

    def end(self) -> None:
        """End the span."""
        self.span.end()


class span:  # noqa: N801
    """`with span("PUT", kind, headers) as headers`: the headers name the new span, or are the old ones unsampled."""

    __slots__ = ("_attributes", "_headers", "_started")

    def __init__(self, name: str, kind: SpanKind, headers: Headers, **attributes: str | int) -> None:
        self._headers = headers
        self._started = begin(name, kind, headers)
        self._attributes = attributes

    def __enter__(self) -> Headers:
        if self._started is None:
            return self._headers
        self._started.set(**self._attributes)
        return self._started.headers

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._started is not None:
            if kind is not None:
                self._started.fail(kind.__name__)
            self._started.end()
