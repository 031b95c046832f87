"""When the proxies themselves first count an effect: `python -m tests.page.first NAME WORKLOAD REGULAR-EXPRESSION`.

Prints "watching", then the time in seconds since the epoch.
"""

import asyncio
import sys
import time

from localmesh import LocalRuntime

PERIOD = 0.1


def _tell(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


async def first(name: str, workload: str, matching: str) -> None:
    runtime = await LocalRuntime.connect(name)

    async def counted() -> float:
        return sum((await runtime.telemetry.counters(workload, matching=matching)).values())

    before = await counted()
    _tell("watching")
    while await counted() <= before:
        await asyncio.sleep(PERIOD)
    _tell(time.time())


if __name__ == "__main__":
    asyncio.run(first(*sys.argv[1:]))
