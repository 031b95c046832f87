"""Breakers: what a callee cannot take is refused at once, by the caller's own proxy."""

from statistics import median

from demo.scenes.burst import Burst
from demo.scenes.stage import Stage

SLOW_GATEWAY, BREAKER = "chaos/gateway-slow.yaml", "resilience/gateway-breaker.yaml"
SLOW_CURRENCY, GRPC_BREAKER = "chaos/currency-slow.yaml", "resilience/currency-breaker.yaml"
USERS = 40
GATEWAY = "outbound|8080||gateway.figtree.svc.cluster.local;"
CURRENCY = "outbound|50051||currency.figtree.svc.cluster.local;"
QUEUE_FULL = ".upstream_rq_pending_overflow"
CALLS_FULL = ".upstream_rq_active_overflow"
CONNECTIONS = ".upstream_cx_overflow"


async def http(stage: Stage) -> None:
    await stage.prepare(SLOW_GATEWAY)
    await _everybody_waits(stage)
    await stage.apply(BREAKER)
    refused, connections = GATEWAY + QUEUE_FULL, GATEWAY + CONNECTIONS
    async with stage.counting("ingress", refused, connections) as grown:
        answers = await _at_once(stage)
    # One request is on the connection and ten wait; those that come after the first answers find room again.
    _judge(stage, answers, "upstream_rq_pending_overflow", grown[refused], fewest=11, most=15)
    stage.figure("connections not opened (upstream_cx_overflow)", f"{grown[connections]:.0f}")
    stage.expect(grown[connections] > 0, f"{grown[connections]:.0f} times no further connection was opened")
    await _closes_again(stage)


async def grpc(stage: Stage) -> None:
    await stage.prepare(SLOW_CURRENCY)
    await _everybody_waits(stage)
    await stage.apply(GRPC_BREAKER)
    refused = CURRENCY + CALLS_FULL
    async with stage.counting("gateway", refused) as grown:
        answers = await _at_once(stage)
    _judge(stage, answers, "upstream_rq_active_overflow", grown[refused], fewest=10, most=20)
    await _closes_again(stage)


async def _at_once(stage: Stage) -> Burst:
    return await stage.burst("GET", "/api/rates", USERS, concurrency=USERS)


async def _everybody_waits(stage: Stage) -> None:
    before = await _at_once(stage)
    stage.figure("without the breaker: answered", before.good, f"of {USERS}")
    stage.expect(before.bad == 0, f"without the breaker none of {USERS} users at once is refused")


def _judge(stage: Stage, answers: Burst, counter: str, counted: float, *, fewest: int, most: int) -> None:
    refused = [a.elapsed.total_seconds() for a in answers.answers if a.status_code == 503]
    served = [a.elapsed.total_seconds() for a in answers.answers if a.status_code == 200]
    stage.figure("with the breaker: answered", len(served), f"of {USERS}")
    stage.figure(f"refused ({counter})", f"{counted:.0f}")
    stage.expect(
        fewest <= len(served) <= most and len(served) + len(refused) == USERS,
        f"{len(served)} are answered, {len(refused)} refused",
    )
    stage.expect(round(counted) == len(refused), f"the proxy counted {counted:.0f} overflows")
    stage.figure("answered: median time", f"{1000 * median(served):.0f}", "ms")
    stage.figure("refused: median time", f"{1000 * median(refused):.0f}", "ms")
    stage.expect(
        median(refused) < median(served) / 3,
        f"a refusal takes {1000 * median(refused):.0f} ms, an answer {1000 * median(served):.0f} ms",
    )


async def _closes_again(stage: Stage) -> None:
    after = await stage.burst("GET", "/api/rates", 5, concurrency=1)
    stage.expect(after.bad == 0, "once the crowd is gone, everybody is answered")
