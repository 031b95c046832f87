"""The page's backend: what it shows of counters and manifests, what it sends, and whom it lets do what."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import httpx
import pytest
from cli.course import Chapter, Command
from cli.presenter import cue
from dashboard.server import app, edge, hub, observer
from dashboard.server.app import Page
from dashboard.server.baskets import Baskets
from dashboard.server.declared import Declared
from dashboard.server.edge import Edge
from dashboard.server.effects import effects
from dashboard.server.exemplars import Exemplars
from dashboard.server.files import Files
from dashboard.server.graph import Graph
from dashboard.server.guard import POLICY, TOKEN_HEADER, Guard
from dashboard.server.hub import BACKLOG, Hub, Stream
from dashboard.server.jobs import Busy, Jobs
from dashboard.server.patch import patch, rounded
from dashboard.server.rates import Growth, percentile
from dashboard.server.watching import new_lines
from runtime.api import Runtime, WorkloadStatus
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from telemetry.edges import EdgeCounters
from telemetry.spans import Span

from tests.support.idle import balancer, served

ISTIO = Path(__file__).resolve().parents[2] / "istio"
CUT = (
    0.9  # seconds of silence after which something on the way closes a connection; real ones allow 60 or more
)


def test_a_patch_brings_what_changed_and_names_what_is_gone() -> None:
    assert patch({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 4, "d": 5}) == {
        "set": {"b": 4, "d": 5},
        "gone": ["c"],
    }
    assert patch({"a": 1}, {"a": 1}) == {}


def test_figures_that_nobody_could_tell_apart_are_the_same() -> None:
    assert rounded(59.97) == rounded(60.04) == 60.0


def test_a_counter_that_grows_has_a_rate_and_one_that_began_anew_has_no_negative_one() -> None:
    growth: Growth[str] = Growth()
    growth.add(100.0, {"calls": 10.0})
    assert growth.per_second() == {}
    growth.add(102.0, {"calls": 30.0})
    assert growth.per_second() == {"calls": 10.0}
    growth.add(104.0, {"calls": 4.0})
    assert growth.per_second() == {"calls": 2.0}


def test_rates_forget_what_was_before_a_long_pause() -> None:
    growth: Growth[str] = Growth()
    growth.add(100.0, {"calls": 10.0})
    growth.add(200.0, {"calls": 1010.0})
    assert growth.per_second() == {}


def test_a_percentile_lies_within_its_bucket_by_proportion() -> None:
    assert percentile([{1.0: 50.0, 5.0: 90.0, 10.0: 100.0}], 0.95) == 7.5
    assert percentile([{1.0: 50.0, 5.0: 50.0}, {1.0: 0.0, 5.0: 50.0}], 0.5) == 1.0
    assert percentile([{1.0: 0.0, 5.0: 0.0}], 0.95) is None


def test_what_the_mesh_does_is_found_at_the_callers_and_at_the_door() -> None:
    counters = {
        "cluster.outbound|50051||pricing.figtree.svc.cluster.local;.upstream_rq_retry": 3.0,
        "cluster.outbound|50051|v2|pricing.figtree.svc.cluster.local;.upstream_rq_retry": 1.0,
        "cluster.outbound|50051||pricing.figtree.svc.cluster.local;.outlier_detection.ejections_active": 1.0,
        "http.inbound_127.0.0.1_50051;.rbac.denied": 7.0,
        "http.outbound_127.0.0.1_50051;.downstream_rq_5xx": 9.0,
    }
    assert effects("gateway", counters) == {
        ("gateway", "pricing", "retried"): 4.0,
        ("gateway", "pricing", "ejected"): 1.0,
        ("gateway", "", "denied"): 7.0,
    }
    assert effects("ingress", counters)["ingress", "", "failed"] == 9.0


def test_routes_say_who_gets_which_share_and_who_gets_copies() -> None:
    declared = Declared()
    applied = {
        "VirtualService/figtree/pricing": ISTIO / "canary/pricing-90-10.yaml",
        "VirtualService/figtree/edge-currency": ISTIO / "traffic/edge-currency-mirror.yaml",
        "VirtualService/figtree/edge": ISTIO / "mesh/edge.yaml",
        "Gateway/figtree/edge": ISTIO / "mesh/gateway.yaml",
    }
    routes = declared.routes(applied)
    shares = {(r.target, r.version): r.percent for r in routes if r.name == "pricing"}
    assert shares == {("pricing", "v1"): 90, ("pricing", "v2"): 10}
    copies = [(r.target, r.percent) for r in routes if r.mirror]
    assert copies == [("gateway", 100)]
    ways = [(r.match, r.target) for r in routes if r.name == "edge-currency" and not r.mirror]
    assert ways == [("x-figtree-side: gateway", "gateway"), ("/api/rates, /api/convert", "monolith")]
    assert declared.routes(applied) == routes


def _status(version: str) -> WorkloadStatus:
    return WorkloadStatus("pricing", version, 0, "ready", 1, True, 0, "127.0.0.1")


def _calls(version: str, requests: int, errors: int = 0, mirrored: bool = False) -> EdgeCounters:
    buckets = {1.0: requests // 2, 5.0: requests}
    return EdgeCounters(
        "istio-ingressgateway",
        "latest",
        "pricing",
        version,
        "grpc",
        True,
        mirrored,
        requests,
        errors,
        0.0,
        buckets,
    )


def test_the_graph_shows_each_versions_share_the_failures_and_the_copies_apart() -> None:
    graph, workloads = Graph(), [_status("v1"), _status("v2")]
    graph.look(10.0, workloads, [], {}, [])
    calls = [_calls("v1", 180), _calls("v2", 20, errors=10), _calls("v2", 200, mirrored=True)]
    shown = graph.look(12.0, workloads, calls, {("ingress", "", "requests"): 200.0}, [])
    assert [(v["version"], v["share"], v["rate"]) for v in shown["node/pricing"]["versions"]] == [
        ("v1", 90, 90.0),
        ("v2", 10, 10.0),
    ]
    edge, copies = shown["edge/ingress>pricing"], shown["edge/ingress>pricing~"]
    assert (edge["rate"], edge["failed"], edge["mtls"], edge["versions"]) == (
        100.0,
        5.0,
        True,
        {"v1": 90.0, "v2": 10.0},
    )
    assert edge["p95"] == 4.6
    assert (copies["rate"], copies["mirror"]) == (100.0, True)
    assert shown["edge/users>ingress"]["rate"] == 100.0


def test_only_the_lines_behind_the_known_ones_are_new() -> None:
    assert new_lines(["a", "b", "c"], ["b", "c", "d"]) == ["d"]
    assert new_lines(["a", "b"], ["a", "b"]) == []
    assert new_lines(["a", "b"], ["x", "y"]) == ["x", "y"]
    assert new_lines([], ["x"]) == ["x"]


def test_every_open_page_hears_of_a_change_once_and_one_that_does_not_listen_is_let_go() -> None:
    hub = Hub()
    stream = hub.open()
    hub.show(("a/",), {"a/1": 1})
    hub.show(("a/",), {"a/1": 1})
    assert stream._waiting.qsize() == 2  # the state when it was opened, and one patch
    for number in range(BACKLOG):
        hub.show(("a/",), {"a/1": number + 2})
    assert stream.closed


async def test_a_page_that_is_slow_to_read_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "QUIET", 0.05)
    stream = Stream()
    stream.send("first", {})
    text = stream.text()
    assert (await anext(text)).startswith("retry:")
    assert (await anext(text)).startswith("event: first")
    await asyncio.sleep(0.2)
    stream.send("second", {})
    assert (await anext(text)).startswith("event: second")


async def test_a_silent_page_outlives_a_balancer_that_cuts_silent_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub, "QUIET", CUT / 3)
    stream = Stream()

    async def page(_: Request) -> Response:
        return StreamingResponse(stream.text(), media_type="text/event-stream")

    async def end() -> None:
        await asyncio.sleep(4 * CUT)
        stream.send("last", {})
        stream.closed = True

    async with (
        served(Starlette(routes=[Route("/", page)])) as port,
        balancer(port, CUT) as way,
        httpx.AsyncClient(trust_env=False) as browser,
    ):
        ending = asyncio.create_task(end())
        assert "event: last\n" in (await browser.get(f"http://127.0.0.1:{way}/")).text
        await ending


async def test_a_silent_stream_of_the_edge_outlives_the_pages_own_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(edge, "SILENCE", CUT)

    async def events() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b": still here\n\n"
            await asyncio.sleep(CUT / 3)
        yield b"event: last\n\n"

    async def watch(_: Request) -> Response:
        return StreamingResponse(events(), media_type="text/event-stream")

    async with served(Starlette(routes=[Route("/api/events", watch)])) as port:
        runtime = MagicMock(spec=Runtime)
        runtime.edge.return_value = f"http://127.0.0.1:{port}"
        passing = Edge(runtime)
        pages_own = Starlette(routes=[Route("/api/events", passing.pass_on)])
        transport = httpx.ASGITransport(pages_own)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as browser:
            assert "event: last" in (await browser.get("/api/events")).text
        await passing.close()


async def _seen(request: Request) -> Response:
    return PlainTextResponse(request.method)


@pytest.fixture
async def keyless() -> AsyncIterator[httpx.AsyncClient]:
    routes = [
        Route(path, _seen, methods=["GET", "POST"])
        for path in ("/", "/api/titles", "/page/stream", "/assets/a.js")
    ]
    transport = httpx.ASGITransport(Guard(Starlette(routes=routes), "secret"))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7070") as client:
        yield client


@pytest.fixture
async def client(keyless: httpx.AsyncClient) -> httpx.AsyncClient:
    """Who has opened the address with the key."""
    assert (await keyless.get("/?key=secret")).status_code == 303
    return keyless


async def test_who_does_not_know_the_key_sees_nothing_of_the_system(keyless: httpx.AsyncClient) -> None:
    for path in ("/", "/api/titles", "/page/stream", "/?key=", "/?key=guess", "/api/titles?key=guess"):
        answer = await keyless.get(path)
        assert answer.status_code == 403, path
        assert "open the address that `figtree page` prints" in answer.text
    assert (await keyless.post("/", headers={TOKEN_HEADER: "secret"})).status_code == 403
    assert (await keyless.get("/assets/a.js")).status_code == 200


async def test_the_key_leaves_the_address_and_stays_in_a_cookie_that_no_script_reads(
    keyless: httpx.AsyncClient,
) -> None:
    answer = await keyless.get("/?key=secret")
    assert answer.headers["location"] == "/"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["set-cookie"] == "figtree-7070=secret; HttpOnly; Path=/; SameSite=lax"
    assert (await keyless.get("/page/stream")).status_code == 200


async def test_reading_needs_our_own_name(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).status_code == 200
    assert (await client.get("/", headers={"host": "localhost:7070"})).status_code == 200
    for foreign in ("rebound.example", "127.0.0.1.example:7070", "10.0.0.1"):
        assert (await client.get("/", headers={"host": foreign})).status_code == 403


async def test_doing_needs_the_key_in_a_header_too_and_no_foreign_origin(client: httpx.AsyncClient) -> None:
    allowed = {TOKEN_HEADER: "secret", "origin": "http://127.0.0.1:7070"}
    assert (await client.post("/", headers=allowed)).status_code == 200
    assert (await client.post("/", headers={})).status_code == 403
    assert (await client.post("/", headers=allowed | {TOKEN_HEADER: "guess"})).status_code == 403
    assert (await client.post("/", headers=allowed | {"origin": "http://evil.example"})).status_code == 403
    assert (await client.post("/", headers=allowed | {"origin": "http://127.0.0.1:8080"})).status_code == 403


async def test_every_answer_carries_the_policy_without_inline_or_foreign_script(
    client: httpx.AsyncClient,
) -> None:
    for answer in (await client.get("/"), await client.post("/")):
        assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "http" not in POLICY


async def test_files_are_served_packed_from_their_folder_only(tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text('<meta content="%figtree-token%">')
    (folder / "assets" / "a.js").write_text("plain")
    (folder / "assets" / "a.js.gz").write_bytes(b"packed")
    (tmp_path / "secret").write_text("no")
    files = Files("t", folder)
    routes = [Route("/", files.page), Route("/assets/{path:path}", files.asset)]
    transport = httpx.ASGITransport(Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        assert (await client.get("/")).text == '<meta content="t">'
        async with client.stream("GET", "/assets/a.js", headers={"accept-encoding": "gzip"}) as packed:
            assert b"".join([part async for part in packed.aiter_raw()]) == b"packed"
        assert (await client.get("/assets/a.js", headers={"accept-encoding": ""})).text == "plain"
        assert (await client.get("/assets/%2e%2e/%2e%2e/secret")).status_code == 404
        (folder / "index.html").unlink()
        assert "make page" in (await client.get("/")).text


async def test_the_curve_goes_on_while_nobody_looks_and_is_five_minutes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(observer, "SELDOM", 0.01)
    monkeypatch.setattr(observer, "HISTORY", 0.5)
    runtime = MagicMock(spec=Runtime)
    runtime.workloads.statuses = AsyncMock(return_value=[])
    runtime.telemetry.edges = AsyncMock(return_value=[])
    runtime.telemetry.counters = AsyncMock(return_value={})
    runtime.mesh.applied = AsyncMock(return_value={})
    looking = observer.Observer(runtime, Hub())
    begun = time.time()
    looking.watch()
    await asyncio.sleep(1.5)
    assert len(looking.history) >= 2
    assert looking.history[0][0] > begun + 0.5
    runtime.telemetry.events.assert_not_called()
    await looking.close()


def traced(trace_id: str, start: float, seconds: float, parent: str = "") -> list[Span]:
    """A trace whose first span took so long."""
    return [
        Span(trace_id, "1", parent, "ingress", "", "GET", "server", start, start + seconds, "unset"),
        Span(trace_id, "2", "1", "gateway", "", "GET", "server", start, start + 99, "unset"),
    ]


def test_of_the_traces_of_each_look_the_slowest_is_shown_once_and_for_so_long_as_the_curve() -> None:
    exemplars = Exemplars(300)
    first = [traced("b", 101, 0.25), traced("a", 100, 0.5), traced("cut", 102, 9, parent="0"), []]
    assert exemplars.look(first, 102) == [(100, 500, "a")]
    assert exemplars.look(first, 107) == [(100, 500, "a")]
    second = [traced("d", 110, 0.125), *first]
    assert exemplars.look(second, 112) == [(100, 500, "a"), (110, 125, "d")]
    assert exemplars.look([], 405) == [(110, 125, "d")]


class EdgeOfTheTest(Edge):
    """Quotes what it is given, or fails."""

    def __init__(self, failure: httpx.HTTPError | None = None) -> None:
        self._failure = failure

    async def quote(self, basket: object) -> httpx.Response:
        await asyncio.sleep(0)
        if self._failure:
            raise self._failure
        return httpx.Response(200, json=basket)


async def _read(stream: Stream) -> list[dict[str, Any]]:
    """The quotes that were sent to a page."""
    stream.pass_on("end", "")
    messages: list[dict[str, Any]] = []
    async for message in stream.text():
        event, _, data = message.partition("\ndata: ")
        if event == "event: end":
            return messages
        if event == "event: quote":
            messages.append(json.loads(data))
    raise AssertionError("the stream has ended")


async def test_a_revision_of_a_basket_that_was_overtaken_is_not_priced() -> None:
    stream = Stream()
    baskets = Baskets(MagicMock(spec=Runtime), EdgeOfTheTest(), stream)
    async with asyncio.TaskGroup() as together:
        for revision in (1, 3, 2, 4):
            together.create_task(baskets.price(revision, {"total": str(revision)}, streamed=False))
    await baskets.price(2, {"total": "2"}, streamed=False)
    assert [answer["revision"] for answer in await _read(stream)] == [1, 4]


async def test_a_basket_that_nobody_prices_says_so_on_the_page() -> None:
    stream = Stream()
    edge = EdgeOfTheTest(httpx.ConnectError("refused"))
    await Baskets(MagicMock(spec=Runtime), edge, stream).price(1, {}, streamed=False)
    (answer,) = await _read(stream)
    assert answer["problem"] == {"title": "the edge does not answer: ConnectError"}


async def test_a_scene_that_the_runtime_cannot_run_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = [
        {"name": name, "needs": needs, "needed": f"a {needs}"} for name, needs in (("a", "mesh"), ("b", ""))
    ]
    monkeypatch.setattr(Jobs, "output", AsyncMock(return_value=listed))
    monkeypatch.setattr(observer.Observer, "watch", MagicMock())
    for capabilities, missing in ((frozenset(), "a mesh"), (frozenset({"mesh"}), "")):
        runtime = MagicMock(spec=Runtime, capabilities=capabilities)
        page = Page(runtime, {}, "secret")
        transport = httpx.ASGITransport(page.application)
        cookies = {"figtree-7070": "secret"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:7070", cookies=cookies
        ) as browser:
            scenes = (await browser.get("/page/scenes")).json()
        assert [scene["missing"] for scene in scenes] == [missing, ""]
        await page.close()


async def test_the_page_follows_the_presenter_who_knows_the_key_until_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = Hub()
    monkeypatch.setattr(app, "Hub", lambda: shown)
    monkeypatch.setattr(observer.Observer, "watch", MagicMock())
    page = Page(MagicMock(spec=Runtime), {}, "secret")
    chapter = Chapter(12, "Chaos", "5-no-monolith", "failed", "A claim", (), "A question")
    presented = cue(chapter, "running", "A note", Command("figtree up"), 1.5)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(page.application),
        base_url="http://127.0.0.1:7070",
        params={"key": "secret"},
    ) as presenter:
        key = {TOKEN_HEADER: "secret"}
        assert (await presenter.put("/page/presentation", json=presented)).status_code == 403
        assert (
            await presenter.put("/page/presentation", json={"chapter": 12}, headers=key)
        ).status_code == 400
        assert shown.shown == {}
        assert (await presenter.put("/page/presentation", json=presented, headers=key)).status_code == 204
        assert shown.shown == {"presentation": presented}
        assert (await presenter.delete("/page/presentation", headers=key)).status_code == 204
        assert shown.shown == {}
    await page.close()


async def test_a_job_is_shown_as_it_speaks_and_there_is_one_at_a_time() -> None:
    states: list[str] = []
    over = asyncio.Event()

    async def ended(_: str) -> None:
        over.set()

    jobs = Jobs({}, lambda _, state: states.append(state["state"]), ended)
    jobs.start("system", "help", "scene", "list", "--json")
    with pytest.raises(Busy, match="help is still under way"):
        jobs.start("system", "again", "scene", "list", "--json")
    async with asyncio.timeout(60):
        await over.wait()
    assert states[0] == "running"
    assert states[-1] == "done"
    await jobs.close()


async def test_a_job_that_fails_says_what_the_command_said() -> None:
    shown: list[str] = []
    over = asyncio.Event()

    async def ended(_: str) -> None:
        over.set()

    jobs = Jobs({}, lambda _, state: shown.append(state.get("error", "")), ended)
    jobs.start("system", "no such scene", "scene", "run", "no-such-scene")
    async with asyncio.timeout(60):
        await over.wait()
    assert "there is no scene no-such-scene" in " ".join(shown[-1].split())
    await jobs.close()


async def test_a_command_that_is_only_asked_for_something_ends_with_the_page() -> None:
    async def ended(_: str) -> None: ...

    jobs = Jobs({}, lambda *_: None, ended)
    asking = asyncio.create_task(jobs.output("scene", "list", "--json"))
    await asyncio.sleep(0.2)
    assert jobs.pids()
    await jobs.close()
    with pytest.raises(ValueError, match="Expecting value"):
        await asking
    assert jobs.pids() == set()
