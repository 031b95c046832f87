"""A name, and what stands behind it."""

import asyncio

from runtime.manifests import NAMESPACE

from scenes.engine.stage import Stage
from scenes.engine.steady import steady
from scenes.groups.kubernetes.cluster import cluster, rates, ready_pods

WORKLOAD, WANTED = "currency", 3
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"


async def by_name(stage: Stage) -> None:
    known, old = await _resolve(stage), await _addresses(stage)
    stage.expect(
        await _list_endpoints(stage) == old, f"the name stands for the pods that are ready: {_describe(old)}"
    )

    async def move() -> None:
        await stage.runtime.workloads.restart(WORKLOAD)
        await stage.runtime.workloads.scale(WORKLOAD, WANTED)

    async with steady(lambda: rates(stage)) as answers:
        await asyncio.sleep(0.5)
        await stage.cause(f"replace every pod of {WORKLOAD}, and make {WANTED} of them", move)
        await asyncio.sleep(0.5)
    new, still = await _addresses(stage), await _resolve(stage)

    async def all_listed() -> bool:
        return await _list_endpoints(stage) == new

    await stage.eventually("the name stands for the new pods, all of them", all_listed)
    stage.figure(f"{WORKLOAD}.{NAMESPACE} is", f"{known} → {still}")
    stage.figure("the pods behind it", f"{_describe(old)} → {_describe(new)}")
    stage.figure("requests meanwhile", len(answers.all))
    stage.expect(len(new) == WANTED and not new & old, f"{len(new)} pods, none at an old address")
    stage.expect(still == known, f"callers resolve the name to {still}, as before")
    stage.expect(not answers.failed(), f"{len(answers.failed())} of {len(answers.all)} requests failed")


async def _resolve(stage: Stage) -> str:
    """As a pod in the mesh sees it."""
    program = f"import socket; print(socket.gethostbyname('{WORKLOAD}.{NAMESPACE}.svc.cluster.local'))"
    return (await cluster(stage).run_in_caller("gateway", "python3", "-c", program)).strip()


async def _addresses(stage: Stage) -> set[str]:
    return {str(pod["status"]["podIP"]) for pod in (await ready_pods(stage, WORKLOAD)).values()}


async def _list_endpoints(stage: Stage) -> set[str]:
    slices = await cluster(stage).api.list(SLICES, labelSelector=f"kubernetes.io/service-name={WORKLOAD}")
    return {
        address
        for one in slices
        for endpoint in one.get("endpoints") or ()
        if endpoint["conditions"].get("ready")
        for address in endpoint["addresses"]
    }


def _describe(addresses: set[str]) -> str:
    return ", ".join(sorted(addresses))
