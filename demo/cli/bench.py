"""`figtree bench`: measures and writes docs/bench."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from benchmarks.footprint import footprint as measured_footprint
from benchmarks.library.compare import both_sides
from benchmarks.places import BARE, PLAIN, floor_databases, instance, yardstick
from benchmarks.rounds import Round, Row, interleaved
from benchmarks.searches import searches, table
from benchmarks.wire import READS
from localmesh import LocalRuntime
from runtime.api import NotRunning
from runtime.manifests import ROOT

from benchmarks import results, tables, trials
from cli.commands import carry_out
from cli.display import console
from cli.settings import Settings

app = typer.Typer(no_args_is_help=True, help=__doc__)
OUT = ROOT / "docs" / "bench"
YARDSTICK_PORT = 18090
SIZES = [1_000, 10_000, 100_000, 1_000_000]
Rounds = Annotated[int, typer.Option(min=1, help="Turns of each row.")]
Seconds = Annotated[float, typer.Option(min=0.1, help="Of each turn.")]
Clients = Annotated[int, typer.Option(min=1, help="At once.")]


def _tell(name: str, clients: int, seen: Round) -> None:
    cpu = sum(ms for what, ms in seen["cpu_ms"].items() if what != "(client)")
    failed = f"  {seen['failed']} failed" if seen["failed"] else ""
    console.print(
        f"{name:<24} {clients:>3} clients  {seen['rate']:>8.1f} orders/s  p50 {seen['p50']:>7.2f} ms"
        f"  p99 {seen.get('p99', 0):>7.2f} ms  {cpu:.2f} ms CPU{failed}",
        highlight=False,
    )


async def rows(closing: AsyncExitStack, wanted: set[str]) -> list[Row]:
    """The places are made if they are not there; they stay until `figtree bench down`."""
    name = Settings().figtree_name
    off, on = f"{name}-off", f"{name}-on"
    without = await instance(off, mesh=False)
    floors = await floor_databases(without)
    found = []
    for row, bare in (("pgbench-place", "place"), ("pgbench-life", "life")):
        if row in wanted:
            found.append(Row(row, instances=(off,), database=floors[BARE], bare=bare))
    if "plain" in wanted:
        address = f"127.0.0.1:{YARDSTICK_PORT}"
        pid = await closing.enter_async_context(yardstick(floors[PLAIN], address))
        found.append(Row("plain", address, (off,), {"plain": pid}, floors[PLAIN]))
    if "monolith" in wanted:
        address = await without.workloads.address("monolith")
        found.append(Row("monolith", address, (off,), database=await without.databases.admin_url("monolith")))
    if "services" in wanted:
        address = await without.workloads.address("gateway")
        found.append(Row("services", address, (off,), database=await without.databases.admin_url("order")))
    if "mesh" in wanted:
        meshed = await instance(on, mesh=True)
        edge = meshed.edge().removeprefix("http://")
        found.append(Row("mesh", edge, (on,), database=await meshed.databases.admin_url("order")))
    return found


ROWS = ["pgbench-place", "pgbench-life", "plain", "monolith", "services", "mesh"]


@app.command()
def run(
    clients: Annotated[list[int], typer.Option(min=1, help="At once; may be repeated.")] = [1, 16, 64],  # noqa: B006
    row: Annotated[list[str], typer.Option(help="May be repeated.")] = ROWS,
    rounds: Rounds = 5,
    seconds: Seconds = 10,
    out: Annotated[Path, typer.Option(help="Where the results are added.")] = OUT / "results.json",
) -> None:
    """Interleaved rounds of all rows."""

    async def work() -> None:
        async with AsyncExitStack() as closing:
            found = await rows(closing, set(row))
            for count in clients:
                results.add(
                    out, "orders", str(count), await interleaved(found, count, rounds, seconds, _tell)
                )

    carry_out(work())


Out = Annotated[Path, typer.Option(help="Where the results are added.")]
RESULTS = OUT / "results.json"
READ, READERS = list(READS), ROWS[2:]


@app.command()
def reads(
    clients: Annotated[list[int], typer.Option(min=1, help="At once; may be repeated.")] = [1, 16, 64],  # noqa: B006
    kind: Annotated[list[str], typer.Option(help="What is read; may be repeated.")] = READ,
    row: Annotated[list[str], typer.Option(help="May be repeated.")] = READERS,
    rounds: Rounds = 5,
    seconds: Seconds = 10,
    out: Out = RESULTS,
) -> None:
    """Interleaved rounds of reads: of a title, a page of titles, rates, a conversion, an order, a quote."""

    async def work() -> None:
        async with AsyncExitStack() as closing:
            found = await rows(closing, set(row))
            for wanted in kind:
                for count in clients:
                    seen = await interleaved(
                        await trials.reading(found, wanted), count, rounds, seconds, _tell
                    )
                    results.add(out, "reads", f"{wanted}, {count}", seen)

    carry_out(work())


def _say(text: str) -> None:
    console.print(text, highlight=False)


async def _start_mesh() -> LocalRuntime:
    return await instance(f"{Settings().figtree_name}-on", mesh=True)


@app.command()
def shapes(rounds: Rounds = 3, seconds: Seconds = 8, clients: Clients = 16, out: Out = RESULTS) -> None:
    """Every shape of the journey, the yardstick beside each."""

    async def work() -> None:
        async with AsyncExitStack() as closing:
            (plain,) = await rows(closing, {"plain"})
            name = f"{Settings().figtree_name}-shapes"
            found = await trials.shapes(name, plain, rounds, seconds, clients, _tell)
            results.add(out, "shapes", str(clients), found)

    carry_out(work())


@app.command()
def telemetry(
    clients: Annotated[list[int], typer.Option(min=1, help="At once; may be repeated.")] = [16, 64],  # noqa: B006
    rounds: Rounds = 3,
    seconds: Seconds = 8,
    out: Out = RESULTS,
) -> None:
    """Traces of none, a tenth and all of the requests; beside them the same services without mesh and traces."""

    async def work() -> None:
        async with AsyncExitStack() as closing:
            (beside,) = await rows(closing, {"services"})
            for count in clients:
                found = await trials.telemetry(beside, await _start_mesh(), count, rounds, seconds, _tell)
                results.add(out, "telemetry", str(count), found)

    carry_out(work())


@app.command()
def calls(rounds: Rounds = 5, seconds: Seconds = 4, out: Out = RESULTS) -> None:
    """A call that does nothing, directly and through a pair of sidecars."""

    async def work() -> None:
        without = await instance(f"{Settings().figtree_name}-off", mesh=False)
        found = await trials.calls(without, await _start_mesh(), rounds, seconds)
        for name, seen in found.items():
            _say(f"{name}: p50 {sorted(s['p50'] for s in seen)[len(seen) // 2]} ms")
        results.add(out, "calls", "1", found)

    carry_out(work())


@app.command()
def stored(
    size: Annotated[list[int], typer.Option(min=0, help="Orders stored already.")] = SIZES,
    titles: Annotated[int, typer.Option(min=1, help="In the catalogue.")] = 100_000,
    clients: Clients = 16,
    seconds: Seconds = 10,
    out: Out = RESULTS,
) -> None:
    """What an order costs when a million are stored, and a hundred thousand titles."""

    async def work() -> None:
        name = f"{Settings().figtree_name}-many"
        results.add(
            out, "stored", str(clients), await trials.stored(name, size, titles, clients, seconds, _tell)
        )

    carry_out(work())


@app.command()
def replicas(
    count: Annotated[list[int], typer.Option(min=1, help="Of each service.")] = [1, 2, 4],  # noqa: B006
    clients: Clients = 64,
    rounds: Rounds = 3,
    seconds: Seconds = 8,
    out: Out = RESULTS,
) -> None:
    """Of order and gateway: one, two and four."""

    async def work() -> None:
        found = await trials.replicas(await _start_mesh(), count, clients, rounds, seconds, _tell)
        results.add(out, "replicas", str(clients), found)

    carry_out(work())


@app.command()
def soak(
    minutes: Annotated[float, typer.Option(min=0.1)] = 20, clients: Clients = 4, out: Out = RESULTS
) -> None:
    """A modest load for long: memory, descriptors and connections must stay."""

    async def work() -> None:
        results.add(out, "soak", str(clients), await trials.soak(await _start_mesh(), minutes, clients, _say))

    carry_out(work())


@app.command()
def search(
    titles: Annotated[int, typer.Option(min=1, help="In the catalogue.")] = 100_000,
    times: Annotated[int, typer.Option(min=1, help="Of each query.")] = 100,
) -> None:
    """Title searches in a large catalogue, by the monolith and by the title service; prints milliseconds."""

    async def work() -> None:
        runtime = await instance(f"{Settings().figtree_name}-titles", mesh=False, titles=titles)
        _say(table(await searches(runtime, times)))

    carry_out(work())


@app.command()
def library(
    rounds: Rounds = 5,
    seconds: Seconds = 4,
    out: Annotated[Path, typer.Option(help="Where the results are put; the tables beside it.")] = OUT
    / "library.json",
) -> None:
    """What a library does in each client, beside what the mesh does once: lines, cost, effect."""

    async def work() -> None:
        without = await instance(f"{Settings().figtree_name}-off", mesh=False)
        found = await both_sides(without, await _start_mesh(), rounds, seconds, _say)
        results.add(out, "library", "1", found)
        page = tables.page(results.load(out))
        out.with_suffix(".md").write_text(page)
        _say(page)

    carry_out(work())


async def _end() -> None:
    for suffix in ("off", "on", "many", "titles", "shapes", "start"):
        try:
            await (await LocalRuntime.connect(f"{Settings().figtree_name}-{suffix}")).down()
        except NotRunning:
            continue


@app.command()
def footprint(
    starts: Annotated[int, typer.Option(min=1)] = 3, seconds: Seconds = 30, out: Out = RESULTS
) -> None:
    """From `figtree up` to the first order, the memory of the largest shape, and its CPU while idle."""

    async def work() -> None:
        await _end()  # instances beside each other share the pages of their programs
        found = await measured_footprint(f"{Settings().figtree_name}-start", starts, seconds)
        _say(tables.footprint(found))
        results.add(out, "footprint", "local", found)

    carry_out(work())


@app.command()
def overload(out: Out = RESULTS) -> None:
    """Three times as many orders as the system can take."""

    async def work() -> None:
        row = await trials.edge_row("mesh", await _start_mesh())
        results.add(out, "overload", "mesh", await trials.overload(row, _say))

    carry_out(work())


@app.command()
def report(results_: Annotated[Path, typer.Argument(metavar="RESULTS")] = RESULTS) -> None:
    """Tables and plots of what was measured, beside it."""
    from benchmarks import plots

    found = results.load(results_)
    (results_.parent / "results.md").write_text(tables.page(found))
    plots.draw(found, results_.parent)
    _say(tables.page(found))


@app.command()
def compare(
    earlier: Annotated[Path, typer.Argument()],
    now: Annotated[Path, typer.Argument()] = RESULTS,
    worse: Annotated[
        float, typer.Option(min=0, max=100, help="By how many percent a rate may have fallen.")
    ] = 10,
) -> None:
    """Two results side by side; exit status 1 if a rate has fallen by more than its rounds spread and `worse`."""
    text, fallen = tables.comparison(results.load(earlier), results.load(now), worse)
    _say(text)
    raise typer.Exit(1 if fallen else 0)


@app.command()
def down() -> None:
    """Stop what `figtree bench` started."""
    carry_out(_end())
