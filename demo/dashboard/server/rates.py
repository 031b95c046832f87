"""From counters that only grow to what happens now."""

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dashboard.server.patch import rounded

RATE_WINDOW = 1.5  # seconds, at least
LATENCY_WINDOW = 4.5
LONG_WINDOW = (
    11.0  # where proxies bring their histograms up to date every 5 s, as they do unless told otherwise
)
KEPT = 14  # samples, one a second

K = TypeVar("K", bound=Hashable)
Buckets = Mapping[float, float]  # at most so many milliseconds: how many


@dataclass(slots=True)
class Growth(Generic[K]):
    """The last samples of a set of counters, and how fast each of them grows."""

    _samples: deque[tuple[float, Mapping[K, float]]] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, at: float, counters: Mapping[K, float]) -> None:
        if self._samples and at - self._samples[-1][0] > LONG_WINDOW:
            self._samples.clear()  # nobody looked for a while
        self._samples.append((at, counters))

    def per_second(self, window: float = RATE_WINDOW) -> dict[K, float]:
        """Nothing from the first sample: a rate needs two."""
        at, now = self._samples[-1]
        before_at, before = self._find_sample_before(at - window)
        if at == before_at:
            return {}
        return {name: _growth(before.get(name, 0), value) / (at - before_at) for name, value in now.items()}

    def in_window(self, window: float = LATENCY_WINDOW) -> dict[K, float]:
        at, now = self._samples[-1]
        _, before = self._find_sample_before(at - window)
        return {name: _growth(before.get(name, 0), value) for name, value in now.items()}

    def _find_sample_before(self, moment: float) -> tuple[float, Mapping[K, float]]:
        """The youngest sample from before that moment, else the oldest."""
        older = [sample for sample in self._samples if sample[0] <= moment]
        return older[-1] if older else self._samples[0]


def _growth(before: float, now: float) -> float:
    """A counter that is smaller than it was began anew."""
    return now - before if now >= before else now


def percentile(several: Iterable[Buckets], share: float) -> float | None:
    """Milliseconds under which that share of the answers came, by proportion within a bucket; None without answers."""
    counts: dict[float, float] = {}
    for buckets in several:
        for bound, count in buckets.items():
            counts[bound] = counts.get(bound, 0) + count
    bounds = sorted(counts)
    if not bounds or counts[bounds[-1]] <= 0:
        return None
    wanted, below, lower = counts[bounds[-1]] * share, 0.0, 0.0
    for bound in bounds:
        if counts[bound] >= wanted:
            within = counts[bound] - below
            return rounded(lower + (bound - lower) * ((wanted - below) / within if within else 1.0))
        below, lower = counts[bound], bound
    return rounded(lower)
