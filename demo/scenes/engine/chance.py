"""What chance alone does to a share that is measured."""

import math


def spread(count: float, part: float) -> float:
    """Five standard deviations of a fair split of `count`: it is further off less than once in 100,000 runs."""
    return 5 * math.sqrt(count * part * (1 - part))
