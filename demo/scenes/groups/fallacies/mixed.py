"""The network is homogeneous. It is not: among equal instances one is slow and one is broken."""

import asyncio

from runtime.calls import outbound

from scenes.engine.stage import Stage
from scenes.groups.fallacies.reliable import CALLER, NONE, quotes

FAULTS = ("chaos/pricing-version-slow.yaml", "chaos/pricing-version-broken.yaml")
TOGETHER = ("resilience/pricing-impatient.yaml", "resilience/pricing-outliers.yaml")
CALLS = 45
COUNTERS = {
    "calls repeated": outbound("pricing", "upstream_rq_retry"),
    "instances ejected": outbound("pricing", "outlier_detection.ejections_enforced_total"),
}


async def mixed(stage: Stage) -> None:
    # Started first: nobody would call an instance ready that fails.
    await asyncio.gather(
        *(stage.runtime.workloads.start("pricing", version=version) for version in ("slow", "broken"))
    )
    await stage.prepare(NONE, *FAULTS)
    hurt = await quotes(stage, CALLS, concurrency=20)
    late = sum(seconds > 1.9 for seconds in hurt.seconds)
    stage.figure("failed without anything", f"{hurt.failed} of {CALLS}", "calls")
    stage.figure("two seconds late without anything", f"{late} of {CALLS}", "calls")
    # Calls go to the instance with the fewest open ones, and nothing is finished sooner than a failure.
    stage.expect(hurt.failed >= CALLS / 5, f"without anything {hurt.failed} of {CALLS} calls fail")
    stage.expect(late >= 3, f"without anything {late} of {CALLS} calls take two seconds")
    await stage.apply(*TOGETHER)
    async with stage.counting(CALLER, *COUNTERS.values()) as grown:
        learning = await quotes(stage, CALLS)
        cured = await quotes(stage, CALLS)
    stage.figure("failed while the breaker learns", f"{learning.failed} of {CALLS}", "calls")
    stage.figure("failed afterwards", f"{cured.failed} of {CALLS}", "calls")
    stage.figure("p90 afterwards", cured.percentile(90), "ms")
    for name, counter in COUNTERS.items():
        stage.figure(name, round(grown[counter]))
    stage.expect(
        learning.failed <= CALLS / 10,
        f"while the breaker learns {learning.failed} of {CALLS} calls fail{learning.failures}",
    )
    stage.expect(cured.failed == 0, f"afterwards {cured.failed} of {CALLS} calls fail{cured.failures}")
    stage.expect(cured.percentile(90) < 1000, f"afterwards p90 is {cured.percentile(90):.0f} ms")
    for name, counter in COUNTERS.items():
        stage.expect(grown[counter] > 0, f"{name}: {grown[counter]:.0f}")
