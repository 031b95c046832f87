"""Spans of sampled requests. What is not sampled passes by at the cost of looking at one character."""

from tracing.remembered import Traces
from tracing.settings import TracingSettings
from tracing.spans import Headers, Started, begin, configure, is_sampled, span

__all__ = ["Headers", "Started", "Traces", "TracingSettings", "begin", "configure", "is_sampled", "span"]
