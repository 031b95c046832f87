"""An ejected instance is back when no proxy that calls it keeps it out, however many proxies there are."""

from typing import Any

import pytest
from scenes.groups.resilience.outlier import EJECTED, HEALTHY, MEMBERS, every_instance_takes_part


class Proxies:
    """The gateway's, and that of a pod which calls in its name: their figures come as one sum."""

    def __init__(self, ejected: int, healthy: int, members: int) -> None:
        self._counters = {EJECTED: ejected, HEALTHY: healthy, MEMBERS: members}

    async def counted(self, _: str, name: str) -> float:
        return self._counters[name]


@pytest.mark.parametrize(
    ("proxies", "back"),
    [
        (Proxies(0, 2, 2), True),
        (Proxies(0, 4, 4), True),  # two instances, each known to two proxies
        (Proxies(1, 1, 2), False),
        (Proxies(1, 3, 4), False),
        (Proxies(0, 0, 0), False),
    ],
)
async def test_an_ejected_instance_is_back_however_many_proxies_call_it(proxies: Any, back: bool) -> None:
    assert await every_instance_takes_part(proxies) == back
