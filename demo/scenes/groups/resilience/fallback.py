"""The catalogue is away: known titles are priced without it, for a bounded time, and every answer says so."""

import asyncio
import re
import time
from collections import Counter
from typing import Any

import httpx

from scenes.engine import orders
from scenes.engine.orders import LINES
from scenes.engine.stage import Stage
from scenes.groups.routing.header import STAGING

PRICING, CATALOGUE, EXCHANGE = "pricing", "title", "currency"
SUBSETS, STAGING_TO_V2 = "traffic/pricing-subsets.yaml", "canary/pricing-staging.yaml"
MINUTES = 0.25
NOTICED = 5.0  # seconds until a caller has heard that a workload is away or back, and has asked once more
ASKED = 20
KNOWN = {"currency": "USD", "lines": LINES}
NEVER_PRICED = {"currency": "USD", "lines": [{"title_id": "t-000499", "quantity": 1}]}
HEADER, FIELD = "figtree-degraded", "titles_as_of"
SAYS = re.compile(r'titles-as-of="([^"]+)", rate-date="([0-9-]{10})"')


async def degraded(stage: Stage) -> None:
    """v1 has a fallback of 15 s; v2, which staging gets, has none. Both have priced the title before."""
    workloads = stage.runtime.workloads
    stage.undo.append(lambda: workloads.restart(PRICING, env={}))
    # One after the other: a restart gives its settings to every version that runs.
    await workloads.restart(PRICING, env={"FALLBACK_MINUTES": f"{MINUTES:g}"})
    await workloads.start(PRICING, version="v2", env={"FALLBACK_MINUTES": "0"})
    await stage.prepare(SUBSETS)
    await stage.prepare(STAGING_TO_V2)
    await _warm_up(stage, staging=True)
    before = await _warm_up(stage)
    answered = time.monotonic()
    await _take_away(stage, CATALOGUE)

    async def marked() -> bool:
        return HEADER in (await _quote(stage)).headers

    await stage.eventually("quotes say that the catalogue does not answer", marked, patience=NOTICED)
    await _expect_same_prices(stage, before)
    await _expect_orders(stage, before["rate_date"])
    await _expect_refusals(stage)
    await _expect_bound(stage, answered)
    await workloads.start(CATALOGUE)

    async def unmarked() -> bool:
        answer = await _quote(stage)
        return answer.is_success and answer.json() == before and HEADER not in answer.headers

    await stage.eventually("when the catalogue is back quotes are as before", unmarked, patience=2 * NOTICED)
    await _expect_refused_without_rates(stage)


async def _expect_refusals(stage: Stage) -> None:
    """The negative control, at the same time: without a fallback, or for a title never priced, there is no price."""
    answers = [await _quote(stage, staging=True) for _ in range(ASKED)]
    failed = sum(answer.status_code == 503 for answer in answers)
    stage.figure("refused where there is no fallback", f"{failed} of {ASKED}", "quotes")
    stage.expect(failed == ASKED, f"{failed} of {ASKED} quotes are refused where there is no fallback")
    unknown = await stage.client.post("/api/quotes", json=NEVER_PRICED)
    stage.expect(
        unknown.status_code == 503 and "catalogue" in unknown.json()["detail"],
        f"a title that was never priced gets {unknown.status_code}: {unknown.json()['detail']}",
    )


async def _warm_up(stage: Stage, *, staging: bool = False) -> dict[str, Any]:
    """Each replica of pricing has priced the title; the quote."""
    answers = [(await _quote(stage, staging=staging)).raise_for_status() for _ in range(ASKED)]
    quote: dict[str, Any] = answers[-1].json()
    return quote


async def _expect_same_prices(stage: Stage, before: dict[str, Any]) -> None:
    answers = [await _quote(stage) for _ in range(ASKED)]
    told = [
        answer for answer in answers if answer.is_success and SAYS.fullmatch(answer.headers.get(HEADER, ""))
    ]
    right = sum(
        {**answer.json(), FIELD: None} == {**before, FIELD: None}
        and answer.json()[FIELD] in answer.headers[HEADER]
        for answer in told
    )
    statuses = Counter(answer.status_code for answer in answers)
    stage.figure("quoted without the catalogue", f"{statuses[200]} of {ASKED}", "quotes")
    stage.figure("of them marked, with the prices from before", f"{right} of {ASKED}", "quotes")
    stage.expect(statuses[200] == ASKED, f"{statuses[200]} of {ASKED} quotes for a known title are answered")
    stage.expect(right == ASKED, f"{right} of them have the prices from before, the field and the header")


async def _expect_orders(stage: Stage, rate_date: str) -> None:
    """Nothing of an order's amounts is the catalogue's: they are right without it."""
    customer = orders.newcomer("degraded")
    answers = await asyncio.gather(*(orders.place(stage.client, customer, f"key-{n}") for n in range(10)))
    dates = [found[2] for answer in answers if (found := SAYS.fullmatch(answer.headers.get(HEADER, "")))]
    stored = len(await orders.stored(stage.client, customer))
    stage.figure("orders stored, with the date of their rates", f"{dates.count(rate_date)} of 10", "orders")
    stage.expect(
        dates == [rate_date] * 10, f"{dates.count(rate_date)} of 10 orders say that {rate_date} priced them"
    )
    stage.expect(stored == 10, f"{stored} of 10 are stored")


async def _expect_bound(stage: Stage, answered: float) -> None:
    """`answered` is when the catalogue answered last, or a little later."""

    async def refused() -> str:
        answer = await _quote(stage)
        return str(answer.json()["detail"]) if answer.status_code == 503 else ""

    bound = 60 * MINUTES
    left = answered + bound + NOTICED - time.monotonic()
    detail = await stage.eventually("after the bound quotes are refused", refused, patience=left)
    lasted = time.monotonic() - answered
    stage.figure("quoted without the catalogue for", lasted, f"s, at most {bound:g}")
    stage.expect("for at most" in detail, f"the problem says why: {detail}")
    order = await orders.place(stage.client, orders.newcomer("degraded"), "key")
    stage.expect(order.status_code == 503, f"an order gets {order.status_code}: {order.json()['detail']}")


async def _expect_refused_without_rates(stage: Stage) -> None:
    """Amounts by yesterday's rates would be wrong: for rates there is no fallback."""
    customer = orders.newcomer("no-rates")
    await _take_away(stage, EXCHANGE)

    async def refused() -> bool:
        return (await _quote(stage)).status_code == 503

    await stage.eventually("without rates quotes are refused", refused, patience=NOTICED)
    answers = [await orders.place(stage.client, customer, f"key-{n}") for n in range(5)]
    failed = sum(answer.status_code == 503 for answer in answers)
    kept = len(await orders.stored(stage.client, customer))
    stage.figure("orders refused without rates", f"{failed} of 5", "orders")
    stage.expect(
        failed == 5 and kept == 0, f"without rates {failed} of 5 orders are refused, and {kept} stored"
    )


async def _take_away(stage: Stage, workload: str) -> None:
    await stage.cause(f"stop {workload}", lambda: stage.runtime.workloads.stop(workload))


async def _quote(stage: Stage, *, staging: bool = False) -> httpx.Response:
    headers = STAGING if staging else None
    return await stage.client.post("/api/quotes", json=KNOWN, headers=headers)
