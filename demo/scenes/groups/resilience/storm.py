"""A retry storm: each hop repeats what the hop behind it has repeated already."""

from scenes.engine.stage import Stage

OVERLOADED = "chaos/currency-overloaded.yaml"
NAIVE = ("resilience/edge-currency-retries-3x2s.yaml", "resilience/currency-retries-3x2s.yaml")
BUDGETS = ("resilience/gateway-retry-budget.yaml", "resilience/currency-retry-budget.yaml")
ARRIVED = "fault.aborts_injected"  # each call that reaches the service ends this way
NOT_REPEATED = ".upstream_rq_retry_overflow"
USERS, REQUESTS = 20, 40


async def storm(stage: Stage) -> None:
    await stage.prepare(OVERLOADED)
    await stage.apply(*NAIVE)
    naive = await _calls_for_each_request(stage)
    stage.figure("with three retries at two hops", naive, "calls for each request of a user")
    stage.expect(naive > 12, f"three retries at two hops make {naive:.1f} calls of each request, expected 16")
    await stage.apply(*BUDGETS)
    async with (
        stage.counting("ingress", NOT_REPEATED) as edge,
        stage.counting("gateway", NOT_REPEATED) as hop,
    ):
        held = await _calls_for_each_request(stage)
    forgone = edge[NOT_REPEATED] + hop[NOT_REPEATED]
    stage.figure("with a budget of 20 % at each", held, "calls for each request of a user")
    stage.figure("not repeated (upstream_rq_retry_overflow)", f"{forgone:.0f}")
    stage.expect(held < 3, f"with budgets it is {held:.1f} calls for each request, expected 1.2 x 1.2")
    stage.expect(forgone > 0, f"{forgone:.0f} repetitions did not happen")


async def _calls_for_each_request(stage: Stage) -> float:
    async with stage.counting("currency", ARRIVED) as grown:
        await stage.burst("GET", "/api/rates", REQUESTS, concurrency=USERS)
    return grown[ARRIVED] / REQUESTS
