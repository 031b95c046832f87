"""A collector that keeps what it is sent."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import tracing
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tracing import TracingSettings, spans


class Collector:
    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.resource: dict[str, str] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                for part in ExportTraceServiceRequest.FromString(body).resource_spans:
                    collector.resource = {a.key: a.value.string_value for a in part.resource.attributes}
                    collector.spans += [span for scope in part.scope_spans for span in scope.spans]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    async def receive(self, number: int) -> None:
        """Wait for spans: a server ends its own after the client has the answer."""
        async with asyncio.timeout(5):
            while len(self.spans) < number:
                spans._tracer.span_processor.force_flush()  # type: ignore[union-attr]
                await asyncio.sleep(0.01)

    @contextmanager
    def recording(self, share: float = 0.0) -> Iterator[None]:
        """Spans are sent here; behind the block they have arrived."""
        tracing.configure(
            "order",
            "v2",
            TracingSettings(otel_exporter_otlp_endpoint=self.url, otel_traces_sampler_arg=share),
        )
        try:
            yield
        finally:
            provider = spans._tracer.span_processor  # type: ignore[union-attr]
            provider.force_flush()
            provider.shutdown()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """This process records nothing until the test says so, and nothing after it."""
    monkeypatch.setattr(spans, "_tracer", None)
    monkeypatch.setattr(spans, "_share", 0.0)
    found = Collector()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()
