"""A canary that decides about itself: promoted step by step while it does well, taken back when it does not."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from scenes.engine.chance import spread
from scenes.engine.result import NotSeen
from scenes.engine.stage import Stage
from scenes.engine.users import Users
from scenes.groups.routing.quotes import ALL_TO_V1, V1, V2

STEPS = (
    (10, "canary/pricing-90-10.yaml"),
    (25, "canary/pricing-75-25.yaml"),
    (50, "canary/pricing-50-50.yaml"),
    (100, "canary/pricing-v2.yaml"),
)
MANIFESTS = tuple(manifest for _, manifest in STEPS)
ENOUGH = 20  # answers of v2 to judge it by
SUCCESS = V2.replace("upstream_rq_total", "grpc.success")
FAILURE = V2.replace("upstream_rq_total", "grpc.failure")
WANTED = 99.0  # percent

Judge = Callable[[Stage, int], Awaitable[str]]  # says what is wrong with v2 at that share; empty: nothing


@dataclass(frozen=True, slots=True)
class Decision:
    share: int  # percent of the traffic that v2 had
    against: str  # why it was taken back; empty: promoted
    at: float  # when it was in force, on time.monotonic()

    def __str__(self) -> str:
        if self.against:
            return f"v2 was taken back at {self.share} %: {self.against}"
        return f"v2 was promoted to {self.share} %"


async def release(stage: Stage, judge: Judge, manifests: tuple[str, ...] = MANIFESTS) -> Decision:
    """What a progressive-delivery controller does, in ten lines."""
    share = 0
    for (share, _), manifest in zip(STEPS, manifests, strict=False):
        await stage.apply(manifest)
        if against := await judge(stage, share):
            await stage.apply(ALL_TO_V1)
            return Decision(share, against, time.monotonic())
    return Decision(share, "", time.monotonic())


async def by_success(stage: Stage, share: int) -> str:
    """Its own success ratio, as the caller's sidecar has counted it."""
    names = (V1, V2, SUCCESS, FAILURE)
    before = {name: await stage.counted("gateway", name) for name in names}
    grown: dict[str, float] = {}

    async def enough() -> bool:
        grown.update({name: await stage.counted("gateway", name) - before[name] for name in names})
        sent = grown[V1] + grown[V2]
        if not grown[V2] and sent > 1_500 / share:  # by chance once in seven million runs
            raise NotSeen(f"v2 should get {share} % of the quotes, and got none of {sent:.0f}")
        return grown[SUCCESS] + grown[FAILURE] >= ENOUGH

    await stage.eventually(f"at {share} % v2 has answered {ENOUGH} quotes", enough, 30)
    ratio = 100 * grown[SUCCESS] / (grown[SUCCESS] + grown[FAILURE])
    stage.figure(f"success of v2 at {share} %", ratio, "%")
    if ratio < WANTED:
        return f"{ratio:.0f} % of its answers were good, {WANTED:.0f} % are wanted"
    sent, part = grown[V1] + grown[V2], share / 100
    slack = spread(sent, part) + 4
    stage.expect(
        abs(grown[V2] - sent * part) <= slack,
        f"at {share} % v2 got {grown[V2]:.0f} of {sent:.0f} quotes: {100 * grown[V2] / sent:.0f} %",
    )
    return ""


async def past(stage: Stage, users: Users, moment: float) -> None:
    """Wait until nothing is under way any more that began before that moment."""

    async def over() -> bool:
        return users.are_past(moment)

    await stage.eventually("what was under way at the decision has come to its end", over, 30)


async def after(stage: Stage, users: Users, moment: float, count: int = 150) -> int:
    """Wait for so many answered requests that began after that moment."""

    async def enough() -> int:
        found = len(users.since(moment))
        return found if found >= count else 0

    return await stage.eventually(f"{count} more requests of users were answered", enough, 30)
