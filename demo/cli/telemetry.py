"""`figtree telemetry`: what was traced and counted, without the page."""

import asyncio
import tempfile
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated

import typer
from localmesh import LocalRuntime
from localmesh.cache import cache_folder
from runtime.api import RuntimeFailure
from runtime.cluster import ClusterRuntime
from runtime.manifests import NAMESPACE, health
from telemetry import kiali, prometheus
from telemetry.spans import Span

from cli import choose
from cli.commands import carry_out, telling
from cli.display import console, styled
from cli.settings import Settings

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.command("prometheus")
def run_prometheus(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any free one.")] = 9090,
) -> None:
    """Scrape the local runtime until Ctrl-C, with the rules of k8s/addons/prometheus."""

    async def work(port: int, visible: AbstractAsyncContextManager[None]) -> None:
        runtime = await choose.connect(Settings())
        if not isinstance(runtime, LocalRuntime):
            raise RuntimeFailure("a cluster has a Prometheus of its own: make open-prometheus")
        async with visible:
            await _scrape(runtime, port)

    with telling():
        prometheus.program("prometheus", cache_folder())  # fetched while there is a network to fetch it from
        found = choose.enter_publishing(Settings(), port)
    carry_out(work(*found))


async def _scrape(runtime: LocalRuntime, port: int) -> None:
    with tempfile.TemporaryDirectory(prefix="figtree-prometheus-") as folder:
        async with prometheus.running(
            await runtime.supervisor.collector(), Path(folder), cache_folder(), port=port
        ) as started:
            console.print(
                styled("[bold]{}[/] is Prometheus; Ctrl-C stops it and forgets its data", started.url)
            )
            await asyncio.Event().wait()


@app.command()
def trace(order: Annotated[str, typer.Argument(help="An order's id.")]) -> None:
    """Every span of the trace in which an order was placed; nothing if it was not sampled."""

    async def work() -> None:
        for spans in await (await choose.connect(Settings())).telemetry.traces(order):
            for line in waterfall(spans):
                console.print(line, soft_wrap=True, highlight=False)

    carry_out(work())


@app.command("graph")
def kialis_graph(
    seconds: Annotated[int, typer.Option(min=1, max=86_400, help="Of so many seconds until now.")] = 60,
    url: Annotated[str, typer.Option("--prometheus", help="The cluster's own, if not said.")] = "",
) -> None:
    """The graph that Kiali draws, a line an edge: requests, share of the version, failures, padlock."""

    async def work() -> None:
        source = prometheus.Prometheus(url or await _of_the_cluster())
        for line in kiali.lines(await kiali.graph(source, seconds, NAMESPACE, health())):
            console.print(line, soft_wrap=True, highlight=False)

    carry_out(work())


async def _of_the_cluster() -> str:
    runtime = await choose.connect(Settings())
    if not isinstance(runtime, ClusterRuntime):
        raise RuntimeFailure(
            "nothing counts: start `figtree telemetry prometheus`, and name its address with --prometheus"
        )
    return await runtime.telemetry.url("prometheus")


def waterfall(spans: list[Span]) -> list[str]:
    """One line a span: when it began, how long it took, below its parent."""
    depth: dict[str, int] = {}
    lines = []
    for span in spans:
        depth[span.span_id] = depth.get(span.parent_id, -1) + 1
        begun, took = (span.start - spans[0].start) * 1000, (span.end - span.start) * 1000
        name = f"{span.service} {span.kind} {span.name}" + (" (error)" if span.status == "error" else "")
        lines.append(f"{begun:9.1f} {took:9.1f} ms {'  ' * depth[span.span_id]}{name}")
    return lines
