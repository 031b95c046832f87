"""The newest spans of the system, in memory."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

ORDER_ID = "figtree.order_id"
TRACES = 1000
SPANS_OF_A_TRACE = 500

Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Span:
    trace_id: str
    span_id: str
    parent_id: str  # empty: the first of its trace
    service: str  # the workload; a sidecar's spans bear the name of the workload it stands beside
    version: str
    name: str
    kind: str  # internal, server, client, producer, consumer
    start: float  # seconds since the epoch
    end: float
    status: str  # unset, ok, error
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def order_id(self) -> str:
        return self.attributes.get(ORDER_ID, "")

    def read(self) -> "Span":
        return self


class Received(Protocol):
    """A span as it came. Most are never looked at, and to read them all was the largest part of what tracing cost."""

    @property
    def trace_id(self) -> str: ...
    @property
    def order_id(self) -> str: ...  # empty: it names none
    def read(self) -> Span: ...


@dataclass(slots=True)
class _Trace:
    spans: list[Received] = field(default_factory=list)
    orders: set[str] = field(default_factory=set)
    looked_at: int = 0  # so many spans, for the orders that they name

    def names(self, order_id: str) -> bool:
        self.orders |= {span.order_id for span in self.spans[self.looked_at :]}
        self.looked_at = len(self.spans)
        return order_id in self.orders

    def read(self) -> list[Span]:
        read = [span.read() for span in self.spans]
        self.spans[:] = read
        return sorted(read, key=lambda span: span.start)


@dataclass(slots=True)
class SpanStore:
    """The last `traces` traces; the one that has not grown for the longest time goes first."""

    traces: int = TRACES
    _traces: OrderedDict[str, _Trace] = field(default_factory=OrderedDict)

    def add(self, spans: Iterable[Received]) -> None:
        for span in spans:
            name = span.trace_id
            known = self._traces.get(name)
            if known is None:
                known = self._traces[name] = _Trace()
            self._traces.move_to_end(name)
            if len(known.spans) < SPANS_OF_A_TRACE:
                known.spans.append(span)
        while len(self._traces) > self.traces:
            self._traces.popitem(last=False)

    def trace(self, trace_id: str) -> list[Span]:
        """In the order in which they began."""
        known = self._traces.get(trace_id)
        return known.read() if known else []

    def of_order(self, order_id: str) -> list[list[Span]]:
        found = (trace.read() for trace in self._traces.values() if trace.names(order_id))
        return sorted(found, key=lambda spans: spans[0].start, reverse=True)

    def recent(self, limit: int = 20) -> list[list[Span]]:
        """Those that grew last, first."""
        names = [name for name, _ in zip(reversed(self._traces), range(limit), strict=False)]
        return [self.trace(name) for name in names]

    def edges(self) -> set[Edge]:
        """Caller and callee of every call that was seen from both sides."""
        return {edge for trace in self._traces.values() for edge in edges_of(trace.read())}


def edges_of(spans: Iterable[Span]) -> set[Edge]:
    by_id = {span.span_id: span for span in spans}
    pairs = ((by_id.get(span.parent_id), span) for span in by_id.values())
    return {
        (parent.service, span.service)
        for parent, span in pairs
        if parent is not None and parent.service != span.service
    }
