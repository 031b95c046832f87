"""Outlier detection: an instance that fails again and again gets no more calls, until it may try once more."""

import time

from scenes.engine.stage import ISTIO, Stage

SICK = "chaos/currency-sick.yaml"
TRIED_ONCE = "resilience/currency-no-retries.yaml"  # or a second try would hide the sick instance
OUTLIER = "resilience/currency-outlier.yaml"
CLUSTER = "outbound|50051||currency.figtree.svc.cluster.local;"
EJECTED = CLUSTER + ".outlier_detection.ejections_active"
HEALTHY, MEMBERS = CLUSTER + ".membership_healthy", CLUSTER + ".membership_total"


async def outlier(stage: Stage) -> None:
    await stage.prepare(TRIED_ONCE)
    async with stage.variant("currency", "sick"):
        await stage.prepare(SICK)
        before = await stage.burst("GET", "/api/rates", 100)
        stage.figure("failed before", 100 * before.bad / before.count, "%")
        stage.expect(before.bad >= 25, f"with one of two instances sick {before.bad} of 100 requests fail")
        await stage.apply(OUTLIER)

        async def ejected() -> bool:
            await stage.burst("GET", "/api/rates", 4)
            return await stage.counted("gateway", EJECTED) > 0

        await stage.eventually("the sick instance is ejected", ejected)
        out_since = time.monotonic()
        during = await stage.burst("GET", "/api/rates", 200)
        stage.figure("failed while it is ejected", 100 * during.bad / during.count, "%")
        stage.expect(during.bad == 0, f"while it is ejected {during.bad} of 200 requests fail")
        await stage.runtime.mesh.delete([ISTIO / SICK])
        stage.tell("the instance is well again, and waits until it may come back")

        await stage.eventually("it comes back", lambda: every_instance_takes_part(stage), patience=35)
        away = time.monotonic() - out_since
        stage.figure("ejected for", away, "s")
        stage.expect(away > 15, f"it was away for {away:.0f} s: at least the 20 s that the rule says")
        after = await stage.burst("GET", "/api/rates", 100)
        stage.figure("failed when it is back", 100 * after.bad / after.count, "%")
        stage.expect(after.bad == 0, f"when it is back {after.bad} of 100 requests fail")


async def every_instance_takes_part(stage: Stage) -> bool:
    """For each proxy that calls in the gateway's name: on a cluster those of other scenes are among them."""
    ejected, healthy, members = [await stage.counted("gateway", name) for name in (EJECTED, HEALTHY, MEMBERS)]
    return ejected == 0 and healthy == members > 0
