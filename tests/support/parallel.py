"""How `pytest --numprocesses` spreads the tests of this repository over processes; see CONTRIBUTING.md.

A file stays in one process, as its tests share what they have started; the longest files begin first. Tests that are
marked `alone` measure time or processor time: `make test` runs them afterwards, in one process.
"""

from collections.abc import Iterable
from itertools import zip_longest

import pytest
from xdist.scheduler import LoadScopeScheduling

# What takes longest, in the order in which it begins. A file with "::" behind it is taken apart into tests, which share
# nothing; a folder shares one system.
LONGEST = (
    "tests/journey/test_journey.py::",
    "tests/journey/test_histories.py::",
    "tests/page/",
    "tests/telemetry/test_traces.py",
    "demo/tests/test_matrix.py::",
    "demo/tests/test_strangler.py::",
    "demo/tests/test_life.py::",
    "tests/conformance/test_shapes.py",
    "demo/tests/test_mesh.py",
    "tests/second_monolith/test_second_monolith.py",
    "tests/machines/test_proxies.py",
    "tests/machines/test_interrupted.py::",
    "loadtests/tests/test_faults.py::",
    "loadtests/tests/test_monolith.py",
    "tests/machines/test_machines.py::",
    "demo/tests/test_commands.py",
    "tests/test_skips.py",
    "monolith/tests/integration/test_stopping.py::",
    "tests/test_makefile.py",
    "demo/tests/test_caches.py::",
    # What takes a whole core for minutes runs beside itself only: no load that must not fail is under way then.
    "tests/walkthrough/test_course.py",
    "tests/machines/test_first_start.py::",
)


def unit(nodeid: str) -> str:
    """What stays in one process with this test."""
    for place in LONGEST:
        if nodeid.startswith(place):
            return nodeid if place.endswith("::") else place
    return nodeid.partition("::")[0]


def arranged(nodeids: Iterable[str]) -> list[str]:
    """Units in the order in which they begin: the longest first, with others between them, so that progress is seen."""
    units = dict.fromkeys(map(unit, nodeids))
    long = sorted((u for u in units if order(u) < len(LONGEST)), key=order)
    short = [u for u in units if order(u) == len(LONGEST)]
    return [u for pair in zip_longest(long, short) for u in pair if u is not None]


def order(nodeid: str) -> int:
    """The lower, the longer it takes."""
    return next((n for n, place in enumerate(LONGEST) if nodeid.startswith(place)), len(LONGEST))


class Units(LoadScopeScheduling):  # type: ignore[misc]
    """xdist's own scheduler with units of ours."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # by the number of tests


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    return Units(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        place = {found: n for n, found in enumerate(arranged(item.nodeid for item in items))}
        items.sort(key=lambda item: place[unit(item.nodeid)])
