"""The same user comes to the same replica, without a table of who is where."""

import asyncio

from scenes.engine.stage import Stage
from scenes.groups.routing.quotes import QUOTE

USERS = [f"user-{number}" for number in range(20)]
REPLICAS = 3
SHOWN = "traffic/edge-pricing-served-by.yaml"
STICKY = "traffic/gateway-sticky.yaml"


async def sticky(stage: Stage) -> None:
    await asyncio.gather(stage.prepare(SHOWN), stage.runtime.workloads.scale("gateway", REPLICAS))
    spread = sum(len(replicas) > 1 for replicas in (await _find_servers(stage)).values())
    stage.figure("users with several replicas, without the rule", f"{spread} of {len(USERS)}")
    # A user whose ten requests meet the same replica by chance is one in 20,000.
    stage.expect(spread >= len(USERS) - 2, f"without the rule {spread} of {len(USERS)} users met several")
    await stage.apply(STICKY)
    served = await _find_servers(stage)
    kept = sum(len(replicas) == 1 for replicas in served.values())
    used = set().union(*served.values())
    stage.figure("users with one replica, with the rule", f"{kept} of {len(USERS)}")
    stage.figure("replicas used, with the rule", f"{len(used)} of {REPLICAS}")
    stage.expect(kept == len(USERS), f"with the rule {kept} of {len(USERS)} users stayed with one replica")
    stage.expect(len(used) > 1, f"the users are spread over {len(used)} replicas")


async def _find_servers(stage: Stage) -> dict[str, set[str]]:
    """Which replicas answered ten requests of each user."""
    served, good = {}, 0
    for user in USERS:
        quotes = await stage.burst("POST", "/api/quotes", 10, **QUOTE, headers={"x-figtree-user": user})
        good += quotes.good
        served[user] = {answer.headers.get("x-served-by", "nobody") for answer in quotes.answers}
    stage.expect(good == 10 * len(USERS), f"{good} of {10 * len(USERS)} quotes were answered")
    return served
