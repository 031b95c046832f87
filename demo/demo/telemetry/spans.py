"""The newest spans of the system, in memory."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class SpanStore:
    """The last `traces` traces; the one that has not grown for the longest time goes first."""

    traces: int = TRACES
    _traces: OrderedDict[str, list[Span]] = field(default_factory=OrderedDict)
    _orders: dict[str, set[str]] = field(default_factory=dict)  # order id: its traces

    def add(self, spans: Iterable[Span]) -> None:
        for span in spans:
            known = self._traces.setdefault(span.trace_id, [])
            self._traces.move_to_end(span.trace_id)
            if len(known) < SPANS_OF_A_TRACE:
                known.append(span)
                if order := span.attributes.get(ORDER_ID):
                    self._orders.setdefault(order, set()).add(span.trace_id)
        while len(self._traces) > self.traces:
            trace_id, gone = self._traces.popitem(last=False)
            for order in {span.attributes.get(ORDER_ID, "") for span in gone}:
                self._forget(order, trace_id)

    def _forget(self, order: str, trace_id: str) -> None:
        if known := self._orders.get(order):
            known.discard(trace_id)
            if not known:
                del self._orders[order]

    def trace(self, trace_id: str) -> list[Span]:
        """In the order in which they began."""
        return sorted(self._traces.get(trace_id, ()), key=lambda span: span.start)

    def of_order(self, order_id: str) -> list[list[Span]]:
        found = (self.trace(trace_id) for trace_id in self._orders.get(order_id, ()))
        return sorted(found, key=lambda spans: spans[0].start, reverse=True)

    def recent(self, limit: int = 20) -> list[list[Span]]:
        """Those that grew last, first."""
        names = [name for name, _ in zip(reversed(self._traces), range(limit), strict=False)]
        return [self.trace(name) for name in names]

    def edges(self) -> set[Edge]:
        """Caller and callee of every call that was seen from both sides."""
        return {edge for spans in self._traces.values() for edge in edges_of(spans)}


def edges_of(spans: Iterable[Span]) -> set[Edge]:
    by_id = {span.span_id: span for span in spans}
    pairs = ((by_id.get(span.parent_id), span) for span in by_id.values())
    return {
        (parent.service, span.service)
        for parent, span in pairs
        if parent is not None and parent.service != span.service
    }
