"""Response times in logarithmic buckets 2 % wide: spans can be added up, and percentiles are within 1 %."""

import math
from collections.abc import Mapping

WIDTH = math.log(1.02)


def bucket(milliseconds: float) -> int:
    return math.ceil(math.log(max(milliseconds, 0.01)) / WIDTH)


def percentile(buckets: Mapping[int, int], percent: float) -> float:
    """In milliseconds; 0 when nothing was measured."""
    rank = math.ceil(sum(buckets.values()) * percent / 100)
    seen = 0
    for index in sorted(buckets):
        seen += buckets[index]
        if seen >= rank:
            return round(math.exp((index - 0.5) * WIDTH), 2)
    return 0.0
