"""Latency is zero. It is not: ask for many things at once, and do not ask again for what you know."""

import time

from figtree.title.v1 import title_pb2 as pb
from figtree.title.v1.title_pb2_grpc import TitleServiceStub
from runtime.calls import channel, outbound

from scenes.engine.stage import Stage
from scenes.groups.fallacies.reliable import CALLER
from scenes.groups.routing import QUOTE

SLOW = "chaos/title-slow-20ms.yaml"
IDS = [f"t-{number:06}" for number in range(1, 51)]


async def latency(stage: Stage) -> None:
    await stage.apply(SLOW)
    async with channel(stage.runtime, CALLER, "title") as opened:
        stub = TitleServiceStub(opened)
        await stub.GetTitle(pb.GetTitleRequest(title_id=IDS[0]), timeout=5)
        begun = time.monotonic()
        singles = [(await stub.GetTitle(pb.GetTitleRequest(title_id=i), timeout=5)).title for i in IDS]
        one_by_one = time.monotonic() - begun
        begun = time.monotonic()
        batch = await stub.BatchGetTitles(pb.BatchGetTitlesRequest(title_ids=IDS), timeout=5)
        at_once = time.monotonic() - begun
    stage.figure(f"{len(IDS)} titles, one call each", 1000 * one_by_one, "ms")
    stage.figure(f"{len(IDS)} titles, one call in all", 1000 * at_once, "ms")
    stage.figure("ratio", one_by_one / at_once, "times")
    stage.expect(list(batch.titles) == singles, f"both ways give the same {len(singles)} titles")
    stage.expect(
        one_by_one >= 0.02 * len(IDS),
        f"{len(IDS)} calls take {1000 * one_by_one:.0f} ms, at least 20 ms each",
    )
    stage.expect(one_by_one > 5 * at_once, f"one call takes a {one_by_one / at_once:.0f}th of that")
    upstream = outbound("currency", "upstream_rq_total")
    async with stage.counting("pricing", upstream) as grown:
        answers = await stage.burst("POST", "/api/quotes", 200, **QUOTE)
    stage.figure("quotes", answers.good)
    stage.figure("calls of pricing to currency for them", round(grown[upstream]), "calls")
    stage.expect(answers.good == 200, f"{answers.good} of 200 quotes are answered")
    allowed = 2 + 1.5 * answers.took  # what pricing knows of rates is good for a second
    stage.expect(
        1 <= grown[upstream] <= allowed,
        f"in {answers.took:.1f} s pricing has asked currency {grown[upstream]:.0f} times for 200 quotes",
    )
