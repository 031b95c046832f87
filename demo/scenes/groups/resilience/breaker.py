"""Breakers: what a callee cannot take is refused at once, by the caller's own proxy."""

import asyncio
from statistics import median

from scenes.engine.burst import Burst
from scenes.engine.stage import Stage

SLOW_GATEWAY, BREAKER = "chaos/gateway-slow.yaml", "resilience/gateway-breaker.yaml"
SLOW_CURRENCY, GRPC_BREAKER = "chaos/currency-slow.yaml", "resilience/currency-breaker.yaml"
USERS, WITH_BREAKER = 40, "with the breaker"
GATEWAY = "outbound|8080||gateway.figtree.svc.cluster.local;"
CURRENCY = "outbound|50051||currency.figtree.svc.cluster.local;"
QUEUE_FULL = ".upstream_rq_pending_overflow"
CALLS_FULL = ".upstream_rq_active_overflow"
CONNECTIONS = ".upstream_cx_overflow"


async def http(stage: Stage) -> None:
    await stage.prepare(SLOW_GATEWAY)
    await _everybody_is_served(stage, "without the breaker", USERS)
    await stage.apply(BREAKER)
    async with stage.counting("ingress", GATEWAY + CONNECTIONS) as grown:
        # One request is on the connection and ten wait.
        await _fill_up(stage, 11, "ingress", GATEWAY + QUEUE_FULL)
    kept = grown[GATEWAY + CONNECTIONS]
    stage.figure("no second connection was opened (upstream_cx_overflow)", f"{kept:.0f}", "times")
    stage.expect(kept > 0, f"{kept:.0f} times no second connection was opened")
    await _everybody_is_served(stage, "when the crowd is gone", 3)


async def grpc(stage: Stage) -> None:
    await stage.prepare(SLOW_CURRENCY)
    await _everybody_is_served(stage, "without the breaker", USERS)
    await stage.apply(GRPC_BREAKER)
    await _fill_up(stage, 10, "gateway", CURRENCY + CALLS_FULL)
    await _everybody_is_served(stage, "when the crowd is gone", 3)


async def _everybody_is_served(stage: Stage, when: str, users: int) -> None:
    answers = await stage.burst("GET", "/api/rates", users, concurrency=users)
    stage.figure(f"{when}: answered", answers.good, f"of {users}")
    stage.expect(answers.bad == 0, f"{when} {answers.good} of {users} users at once are answered")


async def _fill_up(stage: Stage, room: int, proxy: str, counter: str) -> None:
    """As many users as there is room for, and then the others, who come while the first ones wait."""
    before = await stage.counted(proxy, counter)
    first = asyncio.create_task(stage.burst("GET", "/api/rates", room, concurrency=room))
    await asyncio.sleep(0.25)
    late = await stage.burst("GET", "/api/rates", USERS - room)
    refused = late.statuses[503]
    served = await first
    _judge(stage, served, late, room)
    counted = round(await stage.counted(proxy, counter) - before)
    stage.figure(f"refused ({counter.rpartition('.')[2]})", counted)
    stage.expect(counted == refused + served.statuses[503], f"the proxy counted {counted} overflows")


def _judge(stage: Stage, first: Burst, late: Burst, room: int) -> None:
    answered, refused = first.good + late.good, late.statuses[503]
    stage.figure(f"{WITH_BREAKER}: answered", answered, f"of {USERS}")
    # If the machine is busy, the last ones come when the first ones are served, and find room.
    stage.expect(
        room <= answered <= room + 9 and refused >= USERS - room - 9,
        f"{answered} of {USERS} users are answered, {refused} refused",
    )
    slow = 1000 * median(a.elapsed.total_seconds() for a in first.answers)
    fast = 1000 * median(a.elapsed.total_seconds() for a in late.answers if a.status_code == 503)
    stage.figure("a user waits for an answer (median)", f"{slow:.0f}", "ms")
    stage.figure("a user waits for a refusal (median)", f"{fast:.0f}", "ms")
    stage.expect(fast < slow / 3, f"an answer takes {slow:.0f} ms, a refusal {fast:.0f} ms")
