"""Faults that the mesh itself puts in: no line of the system knows of them."""

from scenes.engine.counters import calls_to
from scenes.engine.stage import Stage

DELAY, ABORT = "chaos/edge-currency-delay-10s-50.yaml", "chaos/edge-currency-abort-500-50.yaml"
UNAVAILABLE = "chaos/currency-unavailable-50.yaml"
ONE_USER, VICTIM = "chaos/currency-unavailable-one-user.yaml", "c-1001"
DELAYED, ABORTED = ".fault.delays_injected", ".fault.aborts_injected"
TO_GATEWAY = "outbound|8080||gateway.figtree.svc.cluster.local;.upstream_rq_total"
TO_CURRENCY = calls_to("currency")
PROBLEM = "application/problem+json"
RATES = ("GET", "/api/rates")


async def delay(stage: Stage) -> None:
    await stage.apply(DELAY)
    async with stage.counting("ingress", DELAYED) as grown:
        answers = await stage.burst(*RATES, 60, concurrency=60)
    late = [s for s in answers.seconds if s >= 9.9]
    prompt = [s for s in answers.seconds if s < 5]
    stage.figure("late", 100 * len(late) / 60, "%")
    stage.figure("the slowest of the others", 1000 * max(prompt, default=0.0), "ms")
    stage.expect(answers.good == 60, f"{answers.good} of 60 requests are answered in the end")
    # A fair half of 60 is outside of 14 to 46 less than once in 10,000 runs.
    stage.expect(14 <= len(late) <= 46, f"{len(late)} of 60 requests took 10 s")
    stage.expect(len(late) + len(prompt) == 60, f"the other {len(prompt)} took no part of it")
    stage.expect(round(grown[DELAYED]) == len(late), f"the proxy put in {grown[DELAYED]:.0f} delays")


async def abort(stage: Stage) -> None:
    await stage.apply(ABORT)
    async with stage.counting("ingress", ABORTED, TO_GATEWAY) as grown:
        answers = await stage.burst(*RATES, 300)
    failed = answers.statuses[500]
    stage.figure("answered with 500", 100 * failed / 300, "%")
    stage.figure("reached the gateway", f"{grown[TO_GATEWAY]:.0f}", "of 300")
    _expect_half(stage, failed, 300, "requests got 500")
    stage.expect(round(grown[ABORTED]) == failed, f"the proxy put in {grown[ABORTED]:.0f} aborts")
    stage.expect(
        round(grown[TO_GATEWAY]) == 300 - failed == answers.statuses[200],
        f"the other {grown[TO_GATEWAY]:.0f} reached the gateway and were answered",
    )


async def grpc_abort(stage: Stage) -> None:
    await stage.apply(UNAVAILABLE)
    async with stage.counting("gateway", ABORTED, TO_CURRENCY) as grown:
        answers = await stage.burst(*RATES, 300)
    unavailable = [a for a in answers.answers if a.status_code == 503]
    stage.figure("calls ended with UNAVAILABLE", 100 * grown[ABORTED] / 300, "%")
    stage.figure("reached the currency service", f"{grown[TO_CURRENCY]:.0f}", "of 300")
    _expect_half(stage, round(grown[ABORTED]), 300, "calls were ended with UNAVAILABLE")
    stage.expect(len(unavailable) == round(grown[ABORTED]), f"{len(unavailable)} users got 503")
    proper = sum(
        a.headers["content-type"] == PROBLEM and a.headers.get("retry-after") == "1" for a in unavailable
    )
    stage.expect(proper == len(unavailable), f"{proper} of them as a problem that says when to come again")
    stage.expect(
        answers.statuses[200] == 300 - len(unavailable), f"{answers.statuses[200]} users got the rates"
    )


async def one_user(stage: Stage) -> None:
    await stage.apply(ONE_USER)
    async with stage.counting("gateway", ABORTED) as grown:
        hit = await stage.burst(*RATES, 50, headers={"x-figtree-user": VICTIM})
        others = await stage.burst(*RATES, 50, headers={"x-figtree-user": "c-1002"})
        nameless = await stage.burst(*RATES, 50)
    stage.figure(f"failed for the user {VICTIM}", 100 * hit.bad / 50, "%")
    stage.figure("failed for others", 100 * (others.bad + nameless.bad) / 100, "%")
    stage.expect(hit.statuses[503] == 50, f"{hit.statuses[503]} of 50 requests of {VICTIM} got 503")
    stage.expect(round(grown[ABORTED]) == 50, f"the proxy put in {grown[ABORTED]:.0f} aborts")
    bad = others.bad + nameless.bad
    stage.expect(bad == 0, f"{bad} of 100 requests of others failed")


def _expect_half(stage: Stage, count: int, of: int, what: str) -> None:
    # A fair half of 300 is outside of 38 to 62 % less than once in 10,000 runs.
    stage.expect(0.38 <= count / of <= 0.62, f"{count} of {of} {what}, expected half of them")
