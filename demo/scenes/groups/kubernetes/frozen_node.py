"""A node that stands still for half a minute: too short for Kubernetes to act on, long enough for users to notice."""

import asyncio
import time
from collections import Counter

from runtime.cluster.render import named

from scenes.engine import orders
from scenes.engine.stage import Stage
from scenes.engine.steady import Answer, Answers, steady
from scenes.groups.kubernetes.cluster import cluster, rates

DATABASE = "order-db"  # where it runs, orders stand still whatever else does
FROZEN = 30.0
GIVES_UP = 5.0  # seconds after which a user asks again
SLOW = 2.0  # a request that takes longer is one that its user notices
CALM = 3.0  # seconds without such a request: the system has recovered
PATIENCE = 40.0


async def frozen(stage: Stage) -> None:
    runtime = cluster(stage)
    (database,) = await runtime.pods.labelled(f"app={DATABASE}")
    node = database["spec"]["nodeName"]
    there = await _pods_on(stage, node)
    await runtime.faults.prepare()
    shopper = orders.Shopper(stage, orders.newcomer("frozen-node"))
    async with (
        steady(lambda: rates(stage, timeout=GIVES_UP), pause=0.1) as reads,
        steady(lambda: shopper.order(timeout=GIVES_UP), at_once=2, pause=0.1) as writes,
    ):
        await asyncio.sleep(1.0)
        begun = time.monotonic()
        await stage.cause(
            f"stop every process of {node} for {FROZEN:g} s, its kubelet among them",
            lambda: runtime.faults.freeze_node(node, FROZEN),
        )
        thawed = time.monotonic()

        async def calm() -> bool:
            since = time.monotonic() - CALM
            return since > thawed and all(
                users.since(since) and not any(a.ended > since for a in _noticed(users))
                for users in (reads, writes)
            )

        await stage.eventually(f"users notice nothing any more, for {CALM:g} s", calm, patience=PATIENCE)
    over = begun + FROZEN  # at the earliest: the agent begins a moment after it is asked
    stage.figure(f"frozen for {FROZEN:g} s", node)
    stage.figure("its pods", ", ".join(sorted(there.values())))
    for what, users in {"who asked for rates": reads, "who ordered": writes}.items():
        seen = Counter(a.status or "none" for a in users.since(begun, over))
        stage.figure(f"answers to users {what}", ", ".join(f"{n} x {status}" for status, n in seen.items()))
        stage.figure("slowest of them", max((a.ended - a.begun for a in users.all), default=0.0), "s")
    ends = [a.ended for users in (reads, writes) for a in _noticed(users)]
    stage.figure("recovered, from the thaw", max(0.0, max(ends, default=over) - over), "s")
    stage.expect(len(ends) > 0, f"{len(ends)} requests failed or took more than {SLOW:g} s")
    await shopper.expect_each_once()

    async def all_shipped() -> bool:
        return await orders.shipped(stage.client, shopper.name) == len(shopper.tried)

    await stage.eventually("all of them are shipped", all_shipped, patience=PATIENCE)
    stage.expect(await _pods_on(stage, node) == there, f"the pods of {node} are the same as before")


def _noticed(users: Answers) -> list[Answer]:
    return [a for a in users.all if a.status == 0 or a.status >= 500 or a.ended - a.begun > SLOW]


async def _pods_on(stage: Stage, node: str) -> dict[str, str]:
    """What runs there, by the pod's name: one that Kubernetes had moved would have another."""
    found = await cluster(stage).api.list(named("pods", ""), fieldSelector=f"spec.nodeName={node}")
    return {pod["metadata"]["name"]: pod["metadata"]["labels"].get("app", "") for pod in found}
