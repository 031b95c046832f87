"""A pod that is gone comes back as another one."""

import asyncio
import time

from runtime.cluster.render import named

from scenes.engine.stage import Stage
from scenes.engine.steady import steady
from scenes.groups.kubernetes.cluster import cluster, rates, ready_pods

WORKLOAD = "currency"
FEW = 8  # what was under way at the four users, and what they asked before their proxy had heard of it


async def deleted(stage: Stage) -> None:
    await stage.runtime.workloads.scale(WORKLOAD, 2)
    before = await ready_pods(stage, WORKLOAD)
    victim = sorted(before)[-1]
    async with steady(lambda: rates(stage)) as answers:
        await asyncio.sleep(0.5)
        begun = time.monotonic()
        path = named("pods", victim)
        await stage.cause(
            f"delete the pod {victim} without a grace period",
            lambda: cluster(stage).api.delete(path, gracePeriodSeconds=0),
        )
        gone = time.monotonic()

        async def again() -> bool:
            now = await ready_pods(stage, WORKLOAD)
            return len(now) == 2 and victim not in now

        await stage.eventually("another pod has taken its place", again, patience=40)
        back = time.monotonic()
        await asyncio.sleep(1.0)
    new = sorted(set(await ready_pods(stage, WORKLOAD)) - before.keys())
    failed = answers.failed(begun, back)
    stage.figure("the pod in its place", ", ".join(new))
    stage.figure("two pods again after", back - gone, "s")
    stage.figure("requests meanwhile", len(answers.since(begun, back)))
    stage.figure("failed of these", len(failed))
    stage.expect(len(new) == 1, f"{len(new)} pod was made in the place of {victim}")
    stage.expect(len(failed) <= FEW, f"{len(failed)} requests failed, at most {FEW} were under way")
    late = answers.failed(gone + 2.0)
    stage.expect(not late, f"{len(late)} of those that began more than two seconds after it failed")
