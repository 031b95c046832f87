"""Callers in two zones: who calls whom without a rule, with outlier detection, and when a zone has no instance left."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grpc import StatusCode
from runtime.api import Object
from runtime.calls import PORT, Calls
from runtime.commands import run
from runtime.manifests import NAMESPACE

from scenes.engine.stage import Stage
from scenes.engine.steady import steady
from scenes.groups.kubernetes.cluster import cluster, rates, ready_pods, zone_of

CALLER, WORKLOAD = "gateway", "currency"
CLUSTER = f"outbound|{PORT}||{WORKLOAD}.{NAMESPACE}.svc.cluster.local"
CLIENT = Path(__file__).with_name("locality_client.py")
CALLS = 100  # of each caller; of 200 that go either way, fewer than 30 or more than 70 % stay once in 10,000,000 runs
OUTLIERS, NEAR_FIRST = "locality/currency-outliers.yaml", "locality/currency-near-first.yaml"
ANYWHERE = "resilience/currency-outlier.yaml"


@dataclass(frozen=True, slots=True)
class Caller:
    """What one caller has sent where."""

    zone: str
    to: dict[str, float]  # calls by the zone of the instance, those of its own users among them
    calls: Calls  # ours


async def locality(stage: Stage) -> None:
    scale = stage.runtime.workloads.scale
    await asyncio.gather(scale(CALLER, 2), scale(WORKLOAD, 2))
    for workload in (CALLER, WORKLOAD):
        zones = await _zones(stage, workload)
        stage.expect(
            len(set(zones)) == 2, f"{workload} has an instance in each of the zones {', '.join(zones)}"
        )
    near = await _measure(stage, "no rule")
    stage.expect(30 < near < 70, f"without a rule {near:.0f} % of the calls stay in their zone")
    await stage.apply(OUTLIERS)
    near = await _measure(stage, "outlierDetection alone")
    stage.expect(near == 100, f"with outlierDetection alone {near:.0f} % stay in their zone")
    await stage.apply(ANYWHERE)
    near = await _measure(stage, "localityLbSetting off")
    stage.expect(30 < near < 70, f"with localityLbSetting off {near:.0f} % stay")
    await stage.apply(NEAR_FIRST)
    near = await _measure(stage, "near first")
    stage.expect(near == 100, f"with the rule that says so {near:.0f} % stay")
    async with steady(lambda: rates(stage)) as users:
        await _lose_a_zone(stage)
    failed = len(users.failed())
    stage.figure("requests of users meanwhile", len(users.all))
    stage.expect(not failed, f"{failed} of {len(users.all)} requests of users failed")


async def _lose_a_zone(stage: Stage) -> None:
    scale = stage.runtime.workloads.scale
    await stage.cause(f"take {WORKLOAD} away from one zone", lambda: scale(WORKLOAD, 1))
    (left,) = await _zones(stage, WORKLOAD)
    for caller in await _call(stage):
        way = f"zone {caller.zone} to zone {left}"
        reached = {zone for zone, count in caller.to.items() if count}
        stage.figure(f"a call from {way}, p50", caller.calls.percentile(50), "ms")
        stage.figure(f"a call from {way}, p99", caller.calls.percentile(99), "ms")
        stage.expect(
            reached == {left}, f"calls from zone {caller.zone} reach zone {', '.join(sorted(reached))}"
        )
        stage.expect(not caller.calls.failed, f"{caller.calls.failed} of {CALLS} calls from {way} failed")
    returning = time.monotonic()
    await stage.cause("bring it back", lambda: scale(WORKLOAD, 2))

    async def is_near() -> bool:
        return _share(await _call(stage)) == 100

    await stage.eventually("when it is back, every call stays in its zone again", is_near, patience=20)
    stage.figure("near again after", time.monotonic() - returning, "s")


async def _measure(stage: Stage, rule: str) -> float:
    """The percentage of calls that stay in their caller's zone."""
    callers = await _call(stage)
    failed = sum(caller.calls.failed for caller in callers)
    stage.figure(f"calls in the caller's zone, {rule}", _share(callers), "%")
    stage.expect(not failed, f"{failed} of {CALLS * len(callers)} calls failed, {rule}")
    return _share(callers)


def _share(callers: Sequence[Caller]) -> float:
    near = sum(caller.to.get(caller.zone, 0.0) for caller in callers)
    return 100 * near / sum(sum(caller.to.values()) for caller in callers)


async def _zones(stage: Stage, workload: str) -> list[str]:
    return sorted([await zone_of(stage, pod) for pod in (await ready_pods(stage, workload)).values()])


async def _call(stage: Stage) -> list[Caller]:
    """From every pod of the caller at once, one call after another."""
    pods = (await ready_pods(stage, CALLER)).values()
    return await asyncio.gather(*(_call_from(stage, pod) for pod in pods))


async def _call_from(stage: Stage, pod: Object) -> Caller:
    runtime, name = cluster(stage), pod["metadata"]["name"]
    before = await runtime.requests_by_zone(pod, CLUSTER)
    client = runtime.kubectl.execute(NAMESPACE, name, CALLER, "python", "-", f"{WORKLOAD}:{PORT}", str(CALLS))
    answer = json.loads(await run(client, CLIENT.read_bytes()))
    after = await runtime.requests_by_zone(pod, CLUSTER)
    statuses = Counter({StatusCode[status]: count for status, count in answer["statuses"].items()})
    to = {zone: count - before.get(zone, 0.0) for zone, count in after.items()}
    return Caller(await zone_of(stage, pod), to, Calls(statuses, answer["seconds"]))
