"""A timeout: nobody waits for ever."""

from scenes.engine.stage import Stage

HANGS, TIMEOUT = "chaos/gateway-hangs.yaml", "resilience/edge-currency-timeout-10s.yaml"
TIMED_OUT = "outbound|8080||gateway.figtree.svc.cluster.local;.upstream_rq_timeout"
USERS = 5


async def timeout(stage: Stage) -> None:
    await stage.prepare(HANGS)
    await stage.apply(TIMEOUT)
    async with stage.counting("ingress", TIMED_OUT) as grown:
        answers = await stage.burst("GET", "/api/rates", USERS, concurrency=USERS)
    slowest = max(answers.seconds)
    stage.figure("the callee needs", "12.0", "s")
    stage.figure("the user has an answer after", slowest, "s")
    stage.figure("timeouts (upstream_rq_timeout)", f"{grown[TIMED_OUT]:.0f}")
    stage.expect(answers.statuses[504] == USERS, f"{answers.statuses[504]} of {USERS} users are told 504")
    stage.expect(min(answers.seconds) >= 9.9 and slowest < 11.5, f"the last of them after {slowest:.1f} s")
    stage.expect(round(grown[TIMED_OUT]) == USERS, f"the proxy counted {grown[TIMED_OUT]:.0f} timeouts")
