"""A shadow of pricing that answers every quote, and is heard by nobody but the comparator."""

import time
from typing import Any

import httpx

from scenes.engine.burst import Burst
from scenes.engine.stage import Stage
from scenes.groups.mirroring.comparator import Paired, compare
from scenes.groups.routing.header import STAGING
from scenes.groups.routing.quotes import PLAIN, V1, V2, beside_v1, total

EACH = 15  # quotes for each basket
COUNT = EACH * len(PLAIN)
MIRROR = "mirror/pricing-v2.yaml"
NAMED = "mirror/edge-pricing-named.yaml"
SLOW = "mirror/pricing-v2-slow.yaml"
DELAY = 2000.0  # milliseconds, as in SLOW


async def _quotes(stage: Stage) -> Burst:
    """Each basket EACH times, in turn."""
    together = Burst()
    for basket in PLAIN:
        quotes = await stage.burst("POST", "/api/quotes", EACH, json=basket)
        together.statuses += quotes.statuses
        together.bodies += quotes.bodies
        together.seconds += quotes.seconds
        together.answers += quotes.answers
    return together


async def _mirror_reads(stage: Stage) -> tuple[Burst, Burst, Paired]:
    """The quotes before the mirror, those under it, and their pairs."""
    before = await _quotes(stage)
    await stage.apply(MIRROR)
    begun = time.time()
    copies = await stage.counted("gateway", V2)
    async with stage.counting("gateway", V1) as grown:
        under = await _quotes(stage)

    async def all_copied() -> bool:
        return await stage.counted("gateway", V2) - copies == COUNT

    await stage.eventually(f"v2 got a copy of each of {COUNT} quotes", all_copied)
    stage.expect(grown[V1] == COUNT, f"v1 got {grown[V1]:.0f} of {COUNT} quotes")
    stage.expect(under.good == COUNT, f"{under.good} of {COUNT} quotes were answered")
    same = under.bodies == before.bodies
    stage.expect(same, "the mirror changed none of the users' answers" if same else "users' answers changed")

    async def all_paired() -> Paired:
        paired = await compare(stage.runtime, "pricing", "v2", begun)
        return paired if len(paired) == COUNT else Paired()

    paired = await stage.eventually(
        f"{COUNT} answers of v1 found v2's answer to the same request", all_paired, 20
    )
    stage.figure("pairs", len(paired))
    stage.figure("matches", len(paired.matches))
    stage.figure("mismatches", len(paired.mismatches))
    for verdict, count in (("same", len(paired.matches)), ("different", len(paired.mismatches))):
        await stage.runtime.telemetry.report(
            "figtree_mirror_answers_total", count, subject="pricing-v2", verdict=verdict
        )
    return before, under, paired


async def agreeing(stage: Stage) -> None:
    async with beside_v1(stage, {"RULESET": "v2"}):
        await stage.prepare(NAMED, SLOW)
        before, under, paired = await _mirror_reads(stage)
        stage.figure("users' median without the mirror", before.percentile(50), "ms")
        stage.figure("users' median with it", under.percentile(50), "ms")
        stage.figure("95 % of the users with it waited up to", under.percentile(95), "ms")
        stage.figure("the shadow takes at least", DELAY, "ms")
        stage.expect(
            under.percentile(95) < DELAY / 2,
            f"95 % of the users waited less than {under.percentile(95):.0f} ms, though v2 takes over {DELAY:.0f}",
        )
        stage.expect(not paired.mismatches, f"{len(paired.mismatches)} of {len(paired)} answers differ")


async def differing(stage: Stage) -> None:
    async with beside_v1(stage, {"RULESET": "v2-rounding"}):
        await stage.prepare(NAMED)
        _, under, paired = await _mirror_reads(stage)
        found = len(paired.mismatches)
        stage.expect(found > 0, f"{found} of {len(paired)} answers differ")
        by_request = {answer.headers.get("x-request-id", ""): answer for answer in under.answers}
        suspects = [by_request[request] for request in paired.mismatches if request in by_request]
        stage.expect(len(suspects) == found, f"{len(suspects)} of {found} belong to a known user's request")
        v2 = await _ask_v2(stage, suspects[0])
        v1, basket = suspects[0], _basket(suspects[0])
        stage.figure("an offending request", v1.headers["x-request-id"])
        stage.figure("its basket", basket)
        stage.figure("v1 asks", total(v1))
        stage.figure("v2-rounding asks", total(v2))
        stage.expect(total(v1) != total(v2), f"{basket}: {total(v1)} ≠ {total(v2)}")


async def _ask_v2(stage: Stage, answer: httpx.Response) -> httpx.Response:
    headers = STAGING | {"content-type": "application/json"}
    return await stage.client.post("/api/quotes", content=answer.request.content, headers=headers)


def _basket(answer: httpx.Response) -> str:
    content: Any = answer.json()
    lines = ", ".join(f"{line['quantity']} of {line['title_id']}" for line in content["lines"])
    return f"{lines} in {content['currency']}"
