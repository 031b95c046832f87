"""Each call shape while half of the calls go to a second version, and while half of them are aborted."""

import asyncio

from grpc import StatusCode

from scenes.engine.counters import calls_to
from scenes.engine.stage import Stage
from scenes.groups.grpc.shapes import CALLEES, as_gateway, complete, many

COUNT = 40  # calls of each shape
FEWEST = 5  # of 40: a fair half gives fewer less than once in 500,000 runs
CANARY = tuple(f"canary/{name}-50-50.yaml" for name in CALLEES)
ABORTS = tuple(f"grpc/{name}-abort-half.yaml" for name in CALLEES)
SUBSETS = tuple(f"traffic/{name}-subsets.yaml" for name in CALLEES)
ALL_TO_V1 = tuple(f"traffic/{name}-v1.yaml" for name in CALLEES)


async def split(stage: Stage) -> None:
    await stage.prepare(*SUBSETS)
    await stage.prepare(*ALL_TO_V1)
    settings = {"RULESET": "v2"}
    try:
        await asyncio.gather(
            *(stage.runtime.workloads.start(name, version="v2", env=settings) for name in CALLEES),
        )
        await stage.apply(*CANARY)
        async with as_gateway(stage) as caller:
            for shape, (callee, _) in caller.shapes.items():
                v1, v2 = calls_to(callee, "v1"), calls_to(callee, "v2")
                async with stage.counting("gateway", v1, v2) as grown:
                    ended = await many(caller, shape, COUNT)
                stage.figure(f"{shape}: v1, v2", f"{grown[v1]:.0f}, {grown[v2]:.0f}", "calls")
                stage.expect(
                    complete(ended) == COUNT, f"{shape}: {complete(ended)} of {COUNT} calls were complete"
                )
                stage.expect(grown[v1] + grown[v2] == COUNT, f"{shape}: each call went to one version")
                stage.expect(
                    min(grown[v1], grown[v2]) >= FEWEST,
                    f"{shape}: of one connection's {COUNT} calls {grown[v2]:.0f} went to v2",
                )
    finally:
        await asyncio.shield(stage.prepare(*ALL_TO_V1))
        await asyncio.shield(
            asyncio.gather(*(stage.runtime.workloads.stop(name, version="v2") for name in CALLEES))
        )


async def aborted(stage: Stage) -> None:
    async with as_gateway(stage) as caller:
        before = len(caller.placed)
        await stage.apply(*ABORTS)
        aborts, failed, good = "fault.aborts_injected", 0, 0
        async with stage.counting("gateway", aborts) as grown:
            for shape in caller.shapes:
                ended = await many(caller, shape, COUNT)
                unavailable = sum(one.status is StatusCode.UNAVAILABLE for one in ended)
                lost = sum(one.is_lost for one in ended)
                shown = f"{unavailable} of {COUNT}" + (
                    f", and {lost} whose status the client lost" if lost else ""
                )
                stage.figure(f"{shape}: UNAVAILABLE", shown, "calls")
                stage.expect(
                    FEWEST <= unavailable + lost <= COUNT - FEWEST,
                    f"{shape}: {unavailable + lost} of {COUNT} calls failed",
                )
                stage.expect(
                    unavailable + lost + complete(ended) == COUNT,
                    f"{shape}: the other {complete(ended)} were complete, and none hung",
                )
                failed += unavailable + lost
                good += complete(ended) if shape.startswith("PlaceOrders") else 0
        stage.expect(
            grown[aborts] == failed, f"the sidecar has aborted {grown[aborts]:.0f} calls, {failed} failed"
        )
        stored = len(caller.placed) - before
        stage.expect(
            stored == 3 * good, f"{good} bulks of 3 orders came through: {stored} orders, none twice"
        )
