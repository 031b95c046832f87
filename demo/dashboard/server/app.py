"""The page's address: its files, the system's edge, one stream of what happens, and what can be done."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from runtime.api import Runtime, RuntimeFailure
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from dashboard.server.baskets import Baskets
from dashboard.server.edge import Edge
from dashboard.server.effects import INGRESS
from dashboard.server.files import Files
from dashboard.server.guard import Guard
from dashboard.server.hub import Hub, Stream
from dashboard.server.jobs import Busy, Jobs
from dashboard.server.observer import Observer
from dashboard.server.watching import Watching, shown

ISTIO = Path(__file__).resolve().parents[3] / "istio"
LINES_OF_A_TRACE = 3000  # of each process, searched
TRACES = 80
STREAMED = ("strangled",)  # phases of pricing in which the gateway may stream baskets to it

# What the presenter says: see demo/cli/presenter.py:cue.
CUE: Mapping[str, type] = {
    **dict.fromkeys(("title", "figure", "state", "note", "command"), str),
    "chapter": int,
    "begun": float,
}


class Page:
    """Everything behind the page's address, over one runtime."""

    def __init__(self, runtime: Runtime, env: Mapping[str, str], key: str) -> None:
        self._runtime = runtime
        self._edge = Edge(runtime)
        self._hub = Hub()
        self._observer = Observer(runtime, self._hub)
        self.jobs = Jobs(env, self._show_job, self._job_ended)
        self._watching: dict[str, Watching] = {}
        self._baskets: dict[str, Baskets] = {}
        self._catalogue: asyncio.Task[Any] | None = None
        self._observer.watch()
        files = Files(key)
        get, post, put, delete = ["GET"], ["POST"], ["PUT"], ["DELETE"]
        self.application = Starlette(
            middleware=[Middleware(Guard, key=key)],
            routes=[
                Route("/", files.page, methods=get),
                Route("/assets/{path:path}", files.asset, methods=get),
                Route("/api/{path:path}", self._edge.pass_on, methods=["GET", "POST"]),
                Route("/page/stream", self._stream, methods=get),
                Route("/page/streams/{stream}/basket", self._price, methods=post),
                Route("/page/streams/{stream}/log", self._follow_log, methods=[*post, *delete]),
                Route("/page/streams/{stream}/trace", self._follow_trace, methods=[*post, *delete]),
                Route("/page/history", self._history, methods=get),
                Route("/page/traces", self._traces, methods=get),
                Route("/page/traces/{trace_id}/logs", self._logs_of_trace, methods=get),
                Route("/page/scenes", self._scenes, methods=get),
                Route("/page/manifests/{path:path}", self._manifest, methods=get),
                Route("/page/scenes/{name}/run", self._run_scene, methods=post),
                Route("/page/journey/step", self._step, methods=post),
                Route("/page/journey/back", self._go_back, methods=post),
                Route("/page/load", self._load, methods=post),
                Route("/page/presentation", self._follow_presenter, methods=[*put, *delete]),
                Route("/page/jobs/{kind}", self._stop, methods=delete),
            ],
            exception_handlers={error: _refuse_request for error in (KeyError, TypeError, ValueError)},
        )

    def pids(self) -> set[int]:
        """The processes of the commands that were started from the page."""
        return set(self.jobs.pids())

    async def close(self) -> None:
        for stream in list(self._hub.streams.values()):
            await self._forget(stream)
        await self._observer.close()
        await self.jobs.close()
        await self._edge.close()

    # what is shown

    async def _stream(self, _: Request) -> Response:
        stream = self._hub.open()
        self._watching[stream.id] = Watching(self._runtime, stream)
        self._observer.watch()
        self._read_scenes()  # before somebody asks

        async def text() -> AsyncIterator[str]:
            try:
                async for part in stream.text():
                    yield part
            finally:
                await asyncio.shield(self._forget(stream))

        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(text(), media_type="text/event-stream", headers=headers)

    async def _forget(self, stream: Stream) -> None:
        self._hub.close(stream)
        if watching := self._watching.pop(stream.id, None):
            await watching.close()
        if basket := self._baskets.pop(stream.id, None):
            await basket.close()

    def _of(self, request: Request) -> Stream:
        try:
            return self._hub.streams[request.path_params["stream"]]
        except KeyError:
            raise HTTPException(404, "this page's stream has ended: it will begin anew") from None

    async def _history(self, _: Request) -> Response:
        return JSONResponse(list(self._observer.history))

    async def _price(self, request: Request) -> Response:
        stream, content = self._of(request), await request.json()
        if stream.id not in self._baskets:
            self._baskets[stream.id] = Baskets(self._runtime, self._edge, stream)
        pricing = (await self._observer.phases()).get("pricing", "")
        basket = {"currency": content["currency"], "lines": content["lines"]}
        await self._baskets[stream.id].price(content["revision"], basket, streamed=pricing in STREAMED)
        return Response(status_code=202)

    async def _follow_log(self, request: Request) -> Response:
        watching = self._watching[self._of(request).id]
        if request.method == "DELETE":
            watching.nothing("log")
        else:
            content = await request.json()
            watching.log(str(content["name"]), "proxy" if content.get("part") == "proxy" else "app")
        return Response(status_code=204)

    async def _follow_trace(self, request: Request) -> Response:
        watching = self._watching[self._of(request).id]
        if request.method == "DELETE":
            watching.nothing("trace")
        else:
            content = await request.json()
            watching.trace(str(content.get("trace", "")), str(content.get("order", "")))
        return Response(status_code=204)

    async def _traces(self, _: Request) -> Response:
        """Those that began at the edge; what has lost its beginning tells little."""
        found = [shown(spans) for spans in await self._runtime.telemetry.traces(limit=TRACES) if spans]
        whole = [spans for spans in found if spans[0]["service"] == INGRESS]
        return JSONResponse((whole or found)[:30])

    async def _logs_of_trace(self, request: Request) -> Response:
        """Every line that bears the trace's id, whoever wrote it."""
        trace_id = request.path_params["trace_id"]
        names = list(dict.fromkeys(w.name for w in await self._runtime.workloads.statuses()))
        found: list[dict[str, str]] = []
        for name in names:
            with contextlib.suppress(RuntimeFailure):
                lines = await self._runtime.telemetry.logs(name, "app", LINES_OF_A_TRACE)
                found += [{"name": name, "line": line.rstrip("\n")} for line in lines if trace_id in line]
        return JSONResponse(found)

    async def _scenes(self, _: Request) -> Response:
        """All of them; `missing` says what the runtime would have to have, if it cannot run one."""
        scenes = await asyncio.shield(self._read_scenes())
        can = ("", *self._runtime.capabilities)
        return JSONResponse(
            [scene | {"missing": "" if scene["needs"] in can else scene["needed"]} for scene in scenes]
        )

    def _read_scenes(self) -> asyncio.Task[Any]:
        """What `figtree scene list` knows; in a process of its own, because it loads every scene."""
        if self._catalogue is None or (self._catalogue.done() and self._catalogue.exception()):
            self._catalogue = asyncio.create_task(self.jobs.output("scene", "list", "--json"))
        return self._catalogue

    async def _manifest(self, request: Request) -> Response:
        path = (ISTIO / request.path_params["path"]).resolve()
        if ISTIO not in path.parents or not path.is_file():
            raise HTTPException(404, "there is no such manifest")
        return PlainTextResponse(path.read_text())

    # what can be done

    async def _run_scene(self, request: Request) -> Response:
        name = _name(request.path_params["name"])
        return self._start("system", f"scene {name}", "scene", "run", name, "--json-lines", scene=name)

    async def _step(self, request: Request) -> Response:
        target = _name((await request.json()).get("shape", ""))
        title = f"step to {target}" if target else "the next step"
        return self._start(
            "system", title, "step", *([target] if target else []), "--json-lines", way="forward"
        )

    async def _go_back(self, _: Request) -> Response:
        return self._start("system", "one step back", "back", "--json-lines", way="back")

    async def _load(self, request: Request) -> Response:
        content = await request.json()
        rate, seconds = min(2000, max(1, int(content["rate"]))), min(900, max(5, int(content["seconds"])))
        title = f"{rate} requests a second for {seconds} s"
        arguments = ("load", "--rate", str(rate), "--seconds", str(seconds), "--json")
        return self._start("load", title, *arguments, rate=rate, seconds=seconds)

    async def _follow_presenter(self, request: Request) -> Response:
        """What `figtree present` shows just now; without it, nobody presents."""
        if request.method == "DELETE":
            self._hub.show(("presentation",), {})
        else:
            content = await request.json()
            self._hub.show(
                ("presentation",), {"presentation": {name: kind(content[name]) for name, kind in CUE.items()}}
            )
        return Response(status_code=204)

    async def _stop(self, request: Request) -> Response:
        if not self.jobs.stop(request.path_params["kind"]):
            raise HTTPException(409, "nothing is under way")
        return Response(status_code=202)

    def _start(self, kind: str, title: str, *arguments: str, **details: Any) -> Response:
        try:
            return JSONResponse(self.jobs.start(kind, title, *arguments, **details), 202)
        except Busy as busy:
            raise HTTPException(409, str(busy)) from None

    def _show_job(self, key: str, state: dict[str, Any]) -> None:
        self._hub.show((key,), {key: state})

    async def _job_ended(self, kind: str) -> None:
        state = self.jobs.states[kind]
        if scene := state.get("scene"):
            results = [line for line in state["lines"] if line.get("what") == "result"]
            if results:
                self._hub.show((f"result/{scene}",), {f"result/{scene}": results[-1]})
        with contextlib.suppress(RuntimeFailure, OSError):
            await self._observer.look_closely()


def _name(text: str) -> str:
    """An argument of a command; nothing that could be one of its options."""
    if not re.fullmatch(r"([a-z0-9][a-z0-9-]{0,60})?", text):
        raise HTTPException(400, "that is no name")
    return text


async def _refuse_request(_: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{type(error).__name__}: {error}\n", 400)
