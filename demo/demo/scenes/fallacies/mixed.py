"""The network is homogeneous. It is not: among equal instances one is slow and one is broken."""

import asyncio

from demo.scenes.calls import outbound
from demo.scenes.fallacies.reliable import CALLER, NONE, quotes
from demo.scenes.stage import Stage

FAULTS = ("chaos/pricing-version-slow.yaml", "chaos/pricing-version-broken.yaml")
TOGETHER = ("resilience/pricing-impatient.yaml", "resilience/pricing-outliers.yaml")
CALLS = 60


async def mixed(stage: Stage) -> None:
    await asyncio.gather(*(stage.runtime.start("pricing", version=version) for version in ("slow", "broken")))
    await stage.prepare(NONE, *FAULTS)
    hurt = await quotes(stage, CALLS)
    stage.figure("failed without anything", f"{hurt.failed} of {CALLS}", "calls")
    stage.figure("p90 without anything", hurt.percentile(90), "ms")
    # Instances take turns: a third of the calls each.
    stage.expect(
        CALLS / 4 <= hurt.failed <= CALLS / 2, f"without anything {hurt.failed} of {CALLS} calls fail"
    )
    stage.expect(hurt.percentile(90) >= 1900, f"without anything p90 is {hurt.percentile(90):.0f} ms")
    await stage.apply(*TOGETHER)
    names = {
        "repeated": outbound("pricing", "upstream_rq_retry"),
        "given up after 250 ms": outbound("pricing", "upstream_rq_per_try_timeout"),
        "instances ejected": outbound("pricing", "outlier_detection.ejections_enforced_total"),
    }
    async with stage.counting(CALLER, *names.values()) as grown:
        learning = await quotes(stage, CALLS)
        stage.expect(learning.failed == 0, f"with all three {learning.failed} of {CALLS} calls fail")
        cured = await quotes(stage, CALLS)
    for name, counter in names.items():
        stage.figure(name, round(grown[counter]))
        stage.expect(grown[counter] > 0, f"{name}: {grown[counter]:.0f}")
    stage.figure(
        "failed with breaker, retry and timeout", f"{learning.failed + cured.failed} of {2 * CALLS}", "calls"
    )
    stage.figure("p90 once the breaker is open", cured.percentile(90), "ms")
    stage.expect(cured.failed == 0, f"once both are ejected {cured.failed} of {CALLS} calls fail")
    stage.expect(
        hurt.percentile(90) > 4 * cured.percentile(90),
        f"p90 falls from {hurt.percentile(90):.0f} to {cured.percentile(90):.0f} ms",
    )
