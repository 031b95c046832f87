"""A database's pod is deleted: the next one has the same volume, and every row."""

import asyncio
import time

from runtime.api import Object
from runtime.cluster.render import condition, named

from scenes.engine import orders
from scenes.engine.stage import Stage
from scenes.engine.steady import steady
from scenes.groups.kubernetes.cluster import cluster

DATABASE = "order-db"
GRACE = 5  # seconds to end by itself; then its next start recovers from the log
PATIENCE = 90.0
CALM = 3.0  # seconds of orders without a failure: users have it back


async def deleted(stage: Stage) -> None:
    runtime = cluster(stage)
    (before,) = await runtime.pods.labelled(f"app={DATABASE}")
    name, uid, claim = before["metadata"]["name"], before["metadata"]["uid"], _claim(before)
    shopper = orders.Shopper(stage, orders.newcomer("database"))
    async with steady(lambda: shopper.order(timeout=5.0), at_once=2, pause=0.1) as users:
        await asyncio.sleep(2.0)
        first = len(shopper.accepted)
        begun = time.monotonic()
        await stage.cause(
            f"delete the pod {name}",
            lambda: runtime.api.delete(named("pods", name), gracePeriodSeconds=GRACE),
        )

        async def successor() -> Object:
            now = await runtime.pods.labelled(f"app={DATABASE}")
            return next((p for p in now if p["metadata"]["uid"] != uid and condition(p, "Ready")), {})

        after = await stage.eventually("another pod has its name and is ready", successor, patience=PATIENCE)
        ready = time.monotonic()

        async def calm() -> bool:
            since = time.monotonic() - CALM
            return since > ready and len(users.since(since)) > 0 and not users.failed(since)

        await stage.eventually(f"no order fails any more, for {CALM:g} s", calm, patience=PATIENCE)
    ends = [answer.ended for answer in users.failed(begun)]
    stage.figure("ready again after", ready - begun, "s")
    stage.figure("the last refused order after", max(ends, default=begun) - begun, "s")
    stage.figure("orders refused meanwhile", f"{len(ends)} of {len(users.since(begun))}")
    stage.figure("orders accepted before", first)
    stage.expect(first > 0, f"{first} orders were accepted before")
    stage.expect(_claim(after) == claim, f"it has the same volume, {claim}")
    await shopper.expect_each_once()


def _claim(pod: Object) -> str:
    claims = (volume.get("persistentVolumeClaim") for volume in pod["spec"]["volumes"])
    return next(str(claim["claimName"]) for claim in claims if claim)
