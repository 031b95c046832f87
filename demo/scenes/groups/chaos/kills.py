"""A process that dies: users notice little, and nobody has to do anything."""

import time

from runtime.api import Part, RuntimeFailure

from scenes.engine.outage import outage
from scenes.engine.stage import ISTIO, Stage
from scenes.engine.steady import steady

WORKLOAD = "currency"
FEW = 8  # what was under way at the four users, and what they asked before their proxy had heard of it
MANY = 200
HEARD = (
    5.0  # seconds until every proxy has heard of a replica that is not ready; a busy machine needs some of it
)
CHANGE = "chaos/currency-unavailable-one-user.yaml"
VICTIM = {"x-figtree-user": "c-1001"}


async def replica(stage: Stage) -> None:
    await _kill(stage, "app")


async def sidecar(stage: Stage) -> None:
    await _kill(stage, "proxy")


async def _kill(stage: Stage, part: Part) -> None:
    await stage.runtime.workloads.scale(WORKLOAD, 2)
    before = await _restarts(stage)
    what = "process" if part == "app" else "sidecar"
    async with steady(lambda: stage.client.get("/api/rates")) as answers:
        await _place_some(stage)
        begun = time.monotonic()
        await stage.cause(
            f"kill the {what} of one replica", lambda: stage.runtime.faults.kill(WORKLOAD, part, 1)
        )
        gone = time.monotonic()  # a cluster takes a second for it

        async def again() -> bool:
            return await _restarts(stage) > before and await _count_ready(stage) == 2

        await stage.eventually("it is started again, and ready", again, patience=15)
        back = time.monotonic()
        await _place_some(stage)
    failed = answers.failed(begun, back)
    stage.figure("requests while one replica was away", len(answers.since(begun, back)))
    stage.figure("failed of these", len(failed))
    if failed:
        stage.figure("the last of them began, from the kill's end", max(a.begun for a in failed) - gone, "s")
    stage.figure("two replicas again after", back - gone, "s")
    stage.expect(len(failed) <= FEW, f"{len(failed)} requests failed, at most {FEW} were under way")
    late = answers.failed(gone + 1.0)
    stage.expect(not late, f"{len(late)} of those that began more than a second later failed")


async def frozen(stage: Stage) -> None:
    await stage.runtime.workloads.scale(WORKLOAD, 2)
    before = await _restarts(stage)
    async with steady(lambda: stage.client.get("/api/rates")) as answers:
        await _place_some(stage)
        begun = time.monotonic()
        await stage.cause(
            "stop the process of one replica (SIGSTOP)", lambda: stage.runtime.faults.freeze(WORKLOAD, 1)
        )

        async def unseen() -> bool:
            return await _count_ready(stage) == 1

        await stage.eventually("its readiness probe takes it out of its callers' sight", unseen, patience=30)
        away = time.monotonic()

        async def again() -> bool:
            return await _restarts(stage) > before and await _count_ready(stage) == 2

        await stage.eventually("its liveness probe has it killed, and it is ready again", again, patience=80)
        back = time.monotonic()
    failed = answers.failed(begun, away)
    stage.figure("out of its callers' sight after", away - begun, "s")
    stage.figure("two replicas again after", back - begun, "s")
    stage.figure("failed until it was out of sight", f"{len(failed)} of {len(answers.since(begun, away))}")
    late = answers.failed(away + HEARD)
    stage.expect(
        not late, f"{len(late)} of {len(answers.since(away + HEARD))} that began {HEARD:g} s later failed"
    )


async def istiod(stage: Stage) -> None:
    async with steady(lambda: stage.client.get("/api/rates")) as answers:
        async with outage(stage, "istiod"):
            gone = time.monotonic()

            async def enough_requests() -> bool:
                return len(answers.since(gone)) > MANY

            await stage.eventually(
                f"more than {MANY} requests are made without it", enough_requests, patience=30
            )
            try:
                await stage.runtime.mesh.apply([ISTIO / CHANGE])
            except RuntimeFailure:
                refused = True
            else:
                refused = False
            stage.expect(refused, "while istiod is away, nothing can be changed")
            returning = time.monotonic()
        back = time.monotonic()
    away = answers.since(gone, returning)
    stage.figure("istiod was away for", back - gone, "s")
    stage.figure("requests meanwhile", len(away))
    stage.figure("failed", len(answers.failed()))
    stage.expect(not answers.failed(), f"{len(answers.failed())} of {len(away)} failed")
    begun = time.monotonic()
    await stage.apply(CHANGE)

    async def changed() -> bool:
        return (await stage.client.get("/api/rates", headers=VICTIM)).status_code == 503

    await stage.eventually("when it is back, changes reach the proxies again", changed, patience=15)
    stage.figure("a change works again after", time.monotonic() - begun, "s")


async def _place_some(stage: Stage) -> None:
    await stage.burst("GET", "/api/rates", 40, concurrency=2)


async def _restarts(stage: Stage) -> int:
    return sum(w.restarts for w in await stage.runtime.workloads.statuses() if w.name == WORKLOAD)


async def _count_ready(stage: Stage) -> int:
    return sum(w.ready for w in await stage.runtime.workloads.statuses() if w.name == WORKLOAD)
