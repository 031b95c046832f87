"""What a route does to traffic: the same as its VirtualService."""

import math

from scenes.engine.chance import spread
from scenes.engine.stage import Stage
from scenes.groups.gateway_api.twins import forms, in_force, two_versions
from scenes.groups.resilience.timeout import HANGS, TIMED_OUT, USERS
from scenes.groups.resilience.timeout import TIMEOUT as TIMEOUT_TWIN
from scenes.groups.routing.header import told_apart
from scenes.groups.routing.quotes import BULK, QUOTE

WEIGHT = forms(
    "canary/pricing-90-10.yaml",
    grpc="gateway-api/pricing-90-10.yaml",
    http="gateway-api/pricing-90-10-http.yaml",
)
HEADER = forms(
    "canary/pricing-staging.yaml",
    grpc="gateway-api/pricing-staging.yaml",
    http="gateway-api/pricing-staging-http.yaml",
)
MIRROR = forms(
    "mirror/pricing-v2.yaml",
    grpc="gateway-api/pricing-mirror.yaml",
    http="gateway-api/pricing-mirror-http.yaml",
)
RETRY = forms("resilience/pricing-retries.yaml", http="gateway-api/pricing-retries.yaml")
TIMEOUT = forms(TIMEOUT_TWIN, http="gateway-api/edge-currency-timeout-10s.yaml")
GATEWAY = "gateway-api/gateway.yaml"
HOST = "gateway-api.figtree.example"  # of that Gateway
ONCE = "resilience/pricing-no-retries.yaml"
FAILS, FAILS_OFTEN = "chaos/pricing-unavailable-100.yaml", "chaos/pricing-unavailable-30.yaml"
TRIED = "fault.aborts_injected"  # each try of a call ends this way, at pricing
TRIES = 4  # the first one and three more

QUOTES, PART = 500, 0.1
EACH = 50
COPIED = 100
REQUESTS = 20


async def weight(stage: Stage) -> None:
    async with two_versions(stage):
        shares = []
        for form in WEIGHT:
            async with in_force(stage, form):
                v1, v2 = form.pricing("v1"), form.pricing("v2")
                async with stage.counting("gateway", v1, v2) as grown:
                    quotes = await stage.burst("POST", "/api/quotes", QUOTES, **QUOTE)
            got, sent = grown[v2], grown[v1] + grown[v2]
            stage.figure(f"{form.kind}: to v2", 100 * got / sent if sent else 0.0, "%")
            stage.expect(quotes.good == QUOTES, f"{form.kind}: {quotes.good} of {QUOTES} quotes are answered")
            stage.expect(sent == QUOTES, f"{form.kind}: it sent {sent:.0f} of {QUOTES} quotes to a version")
            stage.expect(
                abs(got - QUOTES * PART) <= spread(QUOTES, PART),
                f"{form.kind}: v2 got {got:.0f} of {QUOTES} quotes, expected {QUOTES * PART:.0f}",
            )
            shares.append(got)
        apart = max(shares) - min(shares)
        stage.expect(
            apart <= math.sqrt(2) * spread(QUOTES, PART),  # of a difference
            f"the shares are {apart:.0f} of {QUOTES} quotes apart: no more than chance does",
        )


async def header(stage: Stage) -> None:
    async with two_versions(stage):
        for form in HEADER:
            async with in_force(stage, form):
                v1, v2 = form.pricing("v1"), form.pricing("v2")
                others, testers = await told_apart(stage, v1, v2, EACH, by=f"{form.kind}: ")
            different = not others.bodies.keys() & testers.bodies.keys()
            stage.expect(different, f"{form.kind}: the price tells the two versions apart")


async def mirror(stage: Stage) -> None:
    right = (await stage.burst("POST", "/api/quotes", 1, json=BULK)).bodies
    async with two_versions(stage):
        for form in MIRROR:
            async with in_force(stage, form):
                v1, v2 = form.pricing("v1"), form.pricing("v2")
                before = await stage.counted("gateway", v2)
                async with stage.counting("gateway", v1) as grown:
                    quotes = await stage.burst("POST", "/api/quotes", COPIED, json=BULK)

                async def all_copied(name: str = v2, before: float = before) -> bool:
                    return await stage.counted("gateway", name) - before == COPIED

                await stage.eventually(f"{form.kind}: v2 got a copy of each of {COPIED} quotes", all_copied)
            same = sum(count for body, count in quotes.bodies.items() if body in right)
            stage.figure(f"{form.kind}: quotes to v1, copies to v2", f"{grown[v1]:.0f}, {COPIED}")
            stage.expect(grown[v1] == COPIED, f"{form.kind}: v1 got {grown[v1]:.0f} of {COPIED} quotes")
            stage.expect(same == COPIED, f"{form.kind}: {same} of {COPIED} users are told v1's price")


async def timeout(stage: Stage) -> None:
    await stage.prepare(HANGS, GATEWAY)
    for form in TIMEOUT:
        headers = {} if form.kind == "VirtualService" else {"host": HOST}
        async with in_force(stage, form), stage.counting("ingress", TIMED_OUT) as grown:
            answers = await stage.burst("GET", "/api/rates", USERS, concurrency=USERS, headers=headers)
        slowest = max(answers.seconds)
        stage.figure(f"{form.kind}: the user has an answer after", slowest, "s")
        told = answers.statuses[504]
        stage.expect(told == USERS, f"{form.kind}: {told} of {USERS} users are told 504")
        stage.expect(
            min(answers.seconds) >= 9.9 and slowest < 11.5,
            f"{form.kind}: the last of them after {slowest:.1f} s",
        )
        counted = round(grown[TIMED_OUT])
        stage.expect(counted == USERS, f"{form.kind}: the proxy counted {counted} timeouts")


async def retry(stage: Stage) -> None:
    await stage.prepare(FAILS_OFTEN, ONCE)
    before = await stage.burst("POST", "/api/quotes", EACH, concurrency=1, **QUOTE)
    stage.figure("answered without retries", 100 * before.good / EACH, "%")
    await stage.delete(ONCE)
    for form in RETRY:
        async with in_force(stage, form):
            await stage.prepare(FAILS_OFTEN)
            often = await stage.burst("POST", "/api/quotes", EACH, concurrency=1, **QUOTE)
            await stage.prepare(FAILS)
            async with stage.counting("pricing", TRIED) as tries:
                never = await stage.burst("POST", "/api/quotes", REQUESTS, concurrency=1, **QUOTE)
        stage.figure(f"{form.kind}: answered", 100 * often.good / EACH, "%")
        stage.figure(f"{form.kind}: tries of a call that always fails", tries[TRIED] / REQUESTS)
        # Of 50 calls that fail four times in a row at 30 % each, more than five are one run in 100,000.
        stage.expect(
            often.good >= EACH - 5,
            f"{form.kind}: {often.good} of {EACH} quotes are answered, 30 % of the calls fail",
        )
        stage.expect(
            tries[TRIED] == TRIES * REQUESTS,
            f"{form.kind}: {REQUESTS} calls that always fail arrived {tries[TRIED]:.0f} times",
        )
        stage.expect(
            never.bad == REQUESTS, f"{form.kind}: {never.bad} of {REQUESTS} of them failed in the end"
        )
