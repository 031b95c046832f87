"""From how long users wait to why: requests that were traced, as points beside the chart's line."""

from collections import deque
from collections.abc import Iterable, Sequence

from telemetry.spans import Span

Exemplar = tuple[float, float, str]  # when the request came, its milliseconds, the id of its trace


class Exemplars:
    """The slowest traced request of each look: the one that somebody wants to understand."""

    def __init__(self, kept: float) -> None:
        """`kept` is for how many seconds they are shown."""
        self._kept = kept
        self._slowest: deque[Exemplar] = deque()
        self._until = 0.0  # requests that came before were looked at

    def look(self, traces: Iterable[Sequence[Span]], now: float) -> list[Exemplar]:
        """Those that are still shown, the oldest first. A trace of which the first span is missing gives none."""
        roots = [spans[0] for spans in traces if spans and not spans[0].parent_id]
        fresh = [root for root in roots if root.start > self._until]
        if fresh:
            slowest = max(fresh, key=lambda root: root.end - root.start)
            milliseconds = round(1000 * (slowest.end - slowest.start), 1)
            self._slowest.append((round(slowest.start, 1), milliseconds, slowest.trace_id))
            self._until = max(root.start for root in fresh)
        while self._slowest and self._slowest[0][0] < now - self._kept:
            self._slowest.popleft()
        return list(self._slowest)
