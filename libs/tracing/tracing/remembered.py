"""The traces that work belongs to which goes on after its request: by the id of what the request left behind."""

from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

from tracing.spans import TRACEPARENT, Headers, is_sampled

CARRIED = (TRACEPARENT, "tracestate", "baggage")
REMEMBERED = 10_000


class Traces:
    """Of this process, sampled ones only; what is forgotten goes on without a trace."""

    def __init__(self) -> None:
        self._headers: OrderedDict[UUID, dict[str, str]] = OrderedDict()

    def remember(self, ids: Iterable[UUID], headers: Headers) -> None:
        """Keep the trace of these headers for each id, if it is sampled."""
        if not is_sampled(headers.get(TRACEPARENT, "")):
            return
        kept = {name: headers[name] for name in CARRIED if name in headers}
        for one in ids:
            self._headers[one] = kept
        while len(self._headers) > REMEMBERED:
            self._headers.popitem(last=False)

    def of(self, one: UUID) -> dict[str, str]:
        """The headers that continue the trace of this id; empty if none is known."""
        return self._headers.get(one, {})
