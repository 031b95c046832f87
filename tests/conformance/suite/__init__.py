"""The REST conformance suite: the same requests to any shape must get the same answers, byte for byte.

What must differ between two runs (ids, times, the run's own mark) is replaced by a placeholder of its form.
"""

from collections.abc import Mapping

import httpx

from tests.conformance.suite import orders, paging, sequences
from tests.conformance.suite.plain import REQUESTS
from tests.conformance.suite.recorder import Recorder

TIMEOUT = 15.0


async def run(base_url: str, *, headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """Every answer by the name of its request. Reads the seeded catalogue and rates, and stores some twenty orders."""
    async with httpx.AsyncClient(
        base_url=base_url, headers=headers, timeout=TIMEOUT, trust_env=False
    ) as client:
        return await run_with(client)


async def run_with(client: httpx.AsyncClient) -> dict[str, str]:
    recorder = Recorder(client)
    for request in REQUESTS:
        await recorder.ask(request)
    for part in (paging.walk, sequences.days, orders.one, orders.refused, orders.many, orders.listed):
        await part(recorder)
    return recorder.answers


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """One text per request that was answered otherwise, empty if all are the same."""
    names = list(expected) + [name for name in found if name not in expected]
    return [
        f"{name}\n  expected: {expected.get(name, 'nothing')}\n  found:    {found.get(name, 'nothing')}"
        for name in names
        if expected.get(name) != found.get(name)
    ]
