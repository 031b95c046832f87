"""What `kubectl drain` does: cordon a node where there is another one, and ask for the eviction of each pod on it."""

import asyncio
import time

from runtime.api import Object, RuntimeFailure
from runtime.cluster.render import named

from scenes.engine.stage import Stage
from scenes.engine.steady import steady
from scenes.groups.kubernetes.cluster import cluster, rates, ready_pods

WORKLOAD = "currency"


async def drain(stage: Stage) -> None:
    await stage.runtime.workloads.scale(WORKLOAD, 2)
    pods = await ready_pods(stage, WORKLOAD)
    first, second = sorted(pods)
    await _cordon(stage, pods[first]["spec"]["nodeName"])
    answers_of: dict[str, str] = {}
    async with steady(lambda: rates(stage)) as answers:
        await asyncio.sleep(0.5)
        begun = time.monotonic()

        async def ask_for_both() -> None:
            for name in (first, second):
                answers_of[name] = await _evict(stage, name)

        await stage.cause(f"evict {first}, and {second} at once", ask_for_both)
        waited = time.monotonic()
        if answers_of:

            async def allowed() -> bool:
                return not await _evict(stage, second)

            await stage.eventually("the second one may go when a new one is ready", allowed, patience=40)
        took = time.monotonic() - waited

        async def replaced() -> bool:
            now = await ready_pods(stage, WORKLOAD)
            return len(now) == 2 and not now.keys() & pods.keys()

        await stage.eventually("two new pods are ready", replaced, patience=40)
        await asyncio.sleep(0.5)
    refusal = answers_of.get(second, "")
    stage.figure("the first eviction is answered", answers_of.get(first) or "yes")
    stage.figure("the second one", refusal)
    stage.figure("and allowed after", took, "s")
    stage.figure("both replaced after", time.monotonic() - begun, "s")
    stage.figure("requests meanwhile", len(answers.all))
    stage.expect(not answers_of.get(first), "the first pod is evicted")
    stage.expect("disruption budget" in refusal, f"the second one is refused: {refusal}")
    stage.expect(not answers.failed(), f"{len(answers.failed())} of {len(answers.all)} requests failed")


async def _cordon(stage: Stage, node: str) -> None:
    """With one node there is nowhere else to go: then its pods are asked for, and it stays open for new ones."""
    api = cluster(stage).api
    nodes = await api.list("/api/v1/nodes")
    if len([n for n in nodes if not n["spec"].get("unschedulable")]) < 2:
        stage.figure("nodes", "one, so it is not cordoned")
        return

    async def set_to(closed: bool) -> None:
        await api.patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": closed}})

    stage.undo.append(lambda: set_to(False))
    await set_to(True)
    stage.figure("cordoned", node)


async def _evict(stage: Stage, pod: str) -> str:
    """Empty if it is granted, else why not."""
    body: Object = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    try:
        await cluster(stage).api.request("POST", f"{named('pods', pod)}/eviction", json=body)
    except RuntimeFailure as error:
        return str(error)
    return ""
