"""Every pod is replaced while it is used."""

import asyncio
import time

from scenes.engine.stage import Stage
from scenes.engine.users import asking
from scenes.groups.kubernetes.cluster import ready_pods
from scenes.groups.routing import QUOTE

UPDATED = ("gateway", "pricing", "currency")


async def rolling(stage: Stage) -> None:
    before = {name: set(await ready_pods(stage, name)) for name in UPDATED}

    async def update() -> None:
        await asyncio.gather(*(stage.runtime.workloads.restart(name) for name in UPDATED))

    async with asking(stage, [QUOTE["json"]]) as users:
        await asyncio.sleep(0.5)
        begun = time.monotonic()
        await stage.cause(f"roll {', '.join(UPDATED)} out anew", update)
        took = time.monotonic() - begun
        await asyncio.sleep(1.0)
    after = {name: set(await ready_pods(stage, name)) for name in UPDATED}
    replaced = sum(not before[name] & after[name] for name in UPDATED)
    stage.figure("took", took, "s")
    stage.figure("requests of users meanwhile", len(users.answers))
    stage.figure("of them failed", users.failed())
    stage.expect(replaced == len(UPDATED), f"{replaced} of {len(UPDATED)} workloads have new pods only")
    stage.expect(len(users.answers) > 100, f"{len(users.answers)} requests were made meanwhile")
    stage.expect(users.failed() == 0, f"{users.failed()} of {len(users.answers)} requests failed")
