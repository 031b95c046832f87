"""Bandwidth is infinite. It is not: send less, and take no more than you can carry."""

import asyncio

from figtree.title.v1 import title_pb2 as pb
from figtree.title.v1.title_pb2_grpc import TitleServiceStub
from runtime.calls import channel, outbound

from scenes.engine.stage import Stage
from scenes.groups.fallacies.reliable import CALLER

LIMIT = "resilience/edge-rate-limit.yaml"
PER_SECOND = 20
ONE = "/api/titles/t-000001"
PAGE = 50
JSON = "outbound|8080||gateway.figtree.svc.cluster.local;.upstream_cx_rx_bytes_total"
TIMES = 10


async def bandwidth(stage: Stage) -> None:
    free = await stage.burst("GET", ONE, 100, 10)
    stage.expect(free.good == 100, f"without a limit {free.good} of 100 requests are answered")
    await stage.apply(LIMIT)
    limited = "edge_rate_limit.http_local_rate_limit.rate_limited"
    async with stage.counting("ingress", limited) as grown:
        crowd = await stage.burst("GET", ONE, 100, 10)
    refused = [answer for answer in crowd.answers if answer.status_code == 429]
    most = PER_SECOND * (crowd.took + 2)  # what is saved up, and what has begun
    stage.figure("of 100 requests at once answered", crowd.good, "requests")
    stage.figure("of 100 requests at once refused with 429", len(refused), "requests")
    stage.expect(
        bool(refused) and crowd.good <= most and crowd.good + len(refused) == 100,
        f"in {crowd.took:.1f} s {crowd.good} requests are answered and {len(refused)} refused",
    )
    waits = {answer.headers.get("retry-after") for answer in refused}
    stage.expect(
        waits == {"1"}, f"each refusal says when to come back: Retry-After {', '.join(map(str, waits))}"
    )
    stage.expect(grown[limited] == len(refused), f"the gateway counts the same: {grown[limited]:.0f} refused")
    polite = [await _send_slowly(stage) for _ in range(30)]
    stage.expect(all(polite), f"{sum(polite)} of 30 requests that wait as told are answered")
    await stage.runtime.mesh.delete([stage.file(LIMIT)])
    await _payload(stage)


async def _send_slowly(stage: Stage) -> bool:
    for _ in range(5):
        answer = await stage.client.get(ONE)
        if answer.status_code != 429:
            return answer.is_success
        await asyncio.sleep(float(answer.headers["retry-after"]))
    return False


async def _payload(stage: Stage) -> None:
    """The same page of the catalogue, as the edge gets it in JSON and as a service gets it in protobuf."""
    async with stage.counting("ingress", JSON) as grown:
        for _ in range(TIMES):
            page = (await stage.client.get("/api/titles", params={"page_size": PAGE})).json()
    in_json = grown[JSON] / TIMES
    protobuf = outbound("title", "upstream_cx_rx_bytes_total")
    async with channel(stage.runtime, CALLER, "title") as opened, stage.counting(CALLER, protobuf) as grown:
        stub = TitleServiceStub(opened)
        for _ in range(TIMES):
            same = await stub.SearchTitles(pb.SearchTitlesRequest(page_size=PAGE), timeout=5)
    in_protobuf = grown[protobuf] / TIMES
    stage.expect(
        [title["id"] for title in page["titles"]] == [title.id for title in same.titles],
        f"both are the same {len(same.titles)} titles",
    )
    stage.figure(f"a page of {PAGE} titles in JSON", round(in_json), "bytes on the wire")
    stage.figure(f"a page of {PAGE} titles in protobuf", round(in_protobuf), "bytes on the wire")
    stage.expect(
        in_json > 1.3 * in_protobuf, f"JSON takes {in_json / in_protobuf:.1f} times the bytes of protobuf"
    )
