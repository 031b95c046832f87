"""`figtree bench`: measures and writes docs/bench."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer

from demo.bench import results
from demo.bench.places import BARE, PLAIN, floor_databases, instance, yardstick
from demo.bench.rounds import Round, Row, interleaved
from demo.display import console
from demo.runtimes.manifests import ROOT
from demo.settings import Settings

app = typer.Typer(no_args_is_help=True, help=__doc__)
OUT = ROOT / "docs" / "bench"
YARDSTICK_PORT = 18090
Rounds = Annotated[int, typer.Option(help="Turns of each row.")]
Seconds = Annotated[float, typer.Option(help="Of each turn.")]


def _tell(name: str, clients: int, seen: Round) -> None:
    cpu = sum(ms for what, ms in seen["cpu_ms"].items() if what != "(client)")
    failed = f"  [red]{seen['failed']} failed[/]" if seen["failed"] else ""
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
    if "pgbench" in wanted:
        found.append(Row("pgbench", instances=(off,), database=floors[BARE], bare=True))
    if "plain" in wanted:
        address = f"127.0.0.1:{YARDSTICK_PORT}"
        pid = await closing.enter_async_context(yardstick(floors[PLAIN], address))
        found.append(Row("plain", address, (off,), {"plain": pid}, floors[PLAIN]))
    if "monolith" in wanted:
        address = await without.address("monolith")
        found.append(Row("monolith", address, (off,), database=await without.admin_url("monolith")))
    if "services" in wanted:
        address = await without.address("gateway")
        found.append(Row("services", address, (off,), database=await without.admin_url("order")))
    if "mesh" in wanted:
        meshed = await instance(on, mesh=True)
        edge = meshed.edge().removeprefix("http://")
        found.append(Row("mesh", edge, (on,), database=await meshed.admin_url("order")))
    return found


ROWS = ["pgbench", "plain", "monolith", "services", "mesh"]


@app.command()
def run(
    clients: Annotated[list[int], typer.Option(help="At once; may be repeated.")] = [1, 16, 64],  # noqa: B006
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

    asyncio.run(work())


@app.command()
def down() -> None:
    """Stop what `figtree bench` started."""
    from demo.runtimes.local import LocalRuntime
    from demo.runtimes.runtime import NotRunning

    async def work() -> None:
        for suffix in ("off", "on"):
            try:
                await (await LocalRuntime.connect(f"{Settings().figtree_name}-{suffix}")).down()
            except NotRunning:
                continue

    asyncio.run(work())
