"""More replicas: by the autoscaler where it has figures to go by, by command where there is no metrics API."""

import asyncio
import copy
import time

from runtime.api import RuntimeFailure
from runtime.cluster.api import NotThere
from runtime.cluster.fleet import AUTOSCALERS

from scenes.engine.stage import Stage
from scenes.engine.steady import steady
from scenes.groups.kubernetes.cluster import cluster, rates, ready_pods

WORKLOAD = "currency"
WANTED = 3
LEAST = 12  # percent of the requests that each of three replicas gets; a fair share is 33
ARRIVED = "cluster.inbound|50051||;.upstream_rq_total"
METRICS = "/apis/metrics.k8s.io/v1beta1/pods"
USERS, PATIENCE = 12, 90.0
BUSY = "80m"  # declared are 400m, more than these users make it take on a small machine


async def out(stage: Stage) -> None:
    by_itself = await _has_metrics(stage)
    async with steady(lambda: rates(stage), at_once=USERS if by_itself else 4) as answers:
        await asyncio.sleep(0.5)
        begun = time.monotonic()
        if by_itself:
            await stage.cause(
                f"there is a metrics API: let the autoscaler of {WORKLOAD} decide, at {BUSY} of CPU for each",
                lambda: _let_it_decide(stage),
            )
        else:
            await stage.cause(
                f"there is no metrics API: scale {WORKLOAD} to {WANTED} by command",
                lambda: stage.runtime.workloads.scale(WORKLOAD, WANTED),
            )

        async def more() -> bool:
            return len(await ready_pods(stage, WORKLOAD)) >= (2 if by_itself else WANTED)

        await stage.eventually("more replicas are ready", more, PATIENCE if by_itself else 10)
        took = time.monotonic() - begun
        await asyncio.sleep(1.0)
        before = await _count_arrivals(stage)
        await asyncio.sleep(4.0)
        after = await _count_arrivals(stage)
    grown = {pod: after[pod] - before.get(pod, 0.0) for pod in after}
    total = sum(grown.values())
    stage.figure("more replicas after", took, "s")
    for pod, count in grown.items():
        stage.figure(f"calls to {pod}", 100 * count / total if total else 0.0, "%")
    stage.figure("requests", len(answers.all))
    stage.figure("failed", len(answers.failed()))
    smallest = 100 * min(grown.values()) / total if total else 0.0
    stage.expect(len(grown) > 1, f"{len(grown)} replicas are called")
    stage.expect(smallest >= LEAST, f"the least of {len(grown)} replicas gets {smallest:.0f} % of the calls")
    stage.expect(not answers.failed(), f"{len(answers.failed())} of {len(answers.all)} requests failed")


async def _has_metrics(stage: Stage) -> bool:
    try:
        await cluster(stage).api.get(METRICS)
    except (NotThere, RuntimeFailure):
        return False
    return True


async def _let_it_decide(stage: Stage) -> None:
    api, path = cluster(stage).api, f"{AUTOSCALERS}/{WORKLOAD}"
    declared = (await api.get(path))["spec"]["metrics"]
    sooner = copy.deepcopy(declared)
    sooner[0]["containerResource"]["target"]["averageValue"] = BUSY

    async def as_before() -> None:
        await stage.runtime.workloads.autoscaling(False, WORKLOAD)
        await api.patch(path, {"spec": {"metrics": declared}})

    stage.undo.append(as_before)
    await api.patch(path, {"spec": {"metrics": sooner}})
    await stage.runtime.workloads.autoscaling(True, WORKLOAD)


async def _count_arrivals(stage: Stage) -> dict[str, float]:
    """Calls that each replica's sidecar has let in."""
    found = {}
    for name, pod in (await ready_pods(stage, WORKLOAD)).items():
        found[name] = (await cluster(stage).statistics(pod)).get(ARRIVED, 0.0)
    return found
