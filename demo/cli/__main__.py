"""The figtree command."""

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
import tomllib
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from loadtests.control import Load
from pydantic import ValidationError
from rich.table import Column, Table
from runtime.api import NeedsMesh, Runtime
from runtime.manifests import ROOT
from strangler import drift
from strangler.database import MONOLITH
from strangler.health import Health
from strangler.modules import BY_NAME, SHAPES
from strangler.state import STRANGLED, WORDS
from strangler.steps import Strangler

from cli import bench, choose, presenter, scenes, telemetry, tour
from cli.arguments import Json, JsonLines, LineCount, ModuleName, ProcessName, Rate, Seconds, ShapeName
from cli.commands import REFUSED, carry_out, telling
from cli.display import Lines, console, errors, failures, print_table, styled
from cli.settings import Settings

app = typer.Typer(no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
app.add_typer(scenes.app, name="scene")
app.add_typer(bench.app, name="bench")
app.add_typer(telemetry.app, name="telemetry")


def _version(wanted: bool) -> None:
    if wanted:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        sys.stdout.write(f"figtree {project['version']}\n")
        raise typer.Exit


# They enter the network themselves, or need not.
OUTSIDE = ("up", "demo", "page", "present", "doctor", "exec", "telemetry")


@app.callback()
def main(
    context: typer.Context,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Strangle a monolith into microservices on Istio, and show what the mesh does."""
    if context.invoked_subcommand not in OUTSIDE:
        with telling(), suppress(ValidationError):  # a setting that is wrong is told by the command
            choose.enter(Settings())


def _print(value: object) -> None:
    sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False) + "\n")
    sys.stdout.flush()


async def _connect() -> Runtime:
    return await choose.connect(Settings())


@app.command()
def demo() -> None:
    """Bring everything up, strangle the monolith under load, prove it; stays up if somebody watches."""

    async def work() -> int:
        return await tour.demo(Settings(), interactive=sys.stdin.isatty() and sys.stdout.isatty())

    raise typer.Exit(carry_out(work()))


@app.command()
def up(as_json: Json = False) -> None:
    """Start the runtime and the first shape; stays up until `figtree down`."""

    async def work() -> None:
        runtime = await tour.up(Settings(), Lines() if not as_json else tour.Silent())
        if as_json:
            _print({"edge": runtime.edge(), "page": runtime.page()})
        else:
            if runtime.page():
                console.print(
                    styled(
                        "[bold]{}[/] is the page: the system as it is now, and all that can be done",
                        runtime.page(),
                    )
                )
            console.print(styled("[bold]{}[/] is the edge; `figtree status` shows the rest", runtime.edge()))

    carry_out(work())


@app.command()
def page() -> None:
    """The address of the demo's page; on a cluster it is served here, until Ctrl-C."""

    async def work() -> None:
        runtime = await _connect()
        if address := runtime.page():
            sys.stdout.write(address + "\n")
        else:
            from dashboard.server.serve import serve  # what it needs is not needed by any other command

            await serve(runtime, lambda address: console.print(styled("[bold]{}[/] until Ctrl-C", address)))

    carry_out(work())


@app.command()
def present(
    numbers: Annotated[
        list[int] | None,
        typer.Argument(metavar="[CHAPTER]...", min=1, help="Numbers of chapters; without any, all."),
    ] = None,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Run everything without keys, and time each chapter.")
    ] = False,
) -> None:
    """Show the course to an audience: each command with its note, on a key; the page follows at #/presentation."""
    if not rehearse and not sys.stdin.isatty():
        errors.print(
            styled(
                "[bold red]error:[/] {}",
                "present takes its keys from a terminal: run it in one, or add --rehearse",
            ),
            soft_wrap=True,
        )
        raise typer.Exit(2)
    with telling():
        raise typer.Exit(presenter.perform(numbers or [], Settings(), rehearsed=rehearse))


@app.command()
def edge(
    grpc: Annotated[
        bool, typer.Option("--grpc", help="How the gateway's neighbours are dialled instead.")
    ] = False,
) -> None:
    """The address at which the system is used."""

    async def work() -> None:
        runtime = await _connect()
        sys.stdout.write((await _find_address(runtime) if grpc else runtime.edge()) + "\n")

    carry_out(work())


async def _find_address(runtime: Runtime) -> str:
    """The way out of the gateway's sidecar, or each service's own address where there is no mesh."""
    try:
        return await runtime.mesh.egress("gateway")
    except NeedsMesh:
        names = ("title", "currency", "pricing", "order", "customer")
        return ",".join([f"{name}={await runtime.workloads.address(name)}" for name in names])


@app.command()
def down() -> None:
    """Stop everything and remove what it left."""

    async def work() -> None:
        if (removed := await choose.forgotten(Settings())) is None:
            await (await _connect()).down()
        else:
            console.print(styled("removed what the killed supervisor of {} had left", removed))

    carry_out(work())


@app.command()
def status(as_json: Json = False) -> None:
    """What runs, and where the strangling stands."""

    async def work() -> None:
        runtime = await _connect()
        strangler = Strangler(runtime)
        workloads = await runtime.workloads.statuses()
        shape = await strangler.state.shape()
        phases = await strangler.state.phases()
        whereabouts = await strangler.state.whereabouts()
        replication = await strangler.health()
        if as_json:
            _print(
                {
                    "replication": [asdict(one) for one in replication],
                    "edge": runtime.edge(),
                    "page": runtime.page(),
                    "shape": shape,
                    "modules": phases,
                    "whereabouts": [asdict(one) for one in whereabouts],
                    "workloads": [asdict(w) for w in workloads],
                }
            )
            return
        where = ("node", "pod") if any(w.pod for w in workloads) else ("pid",)
        shown = Table(
            Column("workload", no_wrap=True), "state", "ready", "version", "restarts", "address", *where
        )
        for w in workloads:
            ready = styled("yes") if w.ready else styled("[red]no[/]")
            place = (str(getattr(w, name)) for name in where)
            shown.add_row(f"{w.name}-{w.replica}", w.state, ready, w.version, str(w.restarts), w.ip, *place)
        print_table(shown, 3)
        if runtime.page():
            console.print(f"page  {runtime.page()}")
        console.print(f"edge  {runtime.edge()}\nshape {shape}")
        for one in whereabouts:
            console.print(f"  {one.module:<9} {WORDS[one.phase]:<21}  {one}", soft_wrap=True)
        console.print(f"  {MONOLITH:<9} {'removed' if phases[MONOLITH] == STRANGLED else 'in use'}")
        _print_health(replication)

    carry_out(work())


@app.command()
def step(
    name: ShapeName = "",
    as_json: Json = False,
    json_lines: JsonLines = False,
) -> None:
    """Take the next step, or all steps up to the shape NAME; goes on with a step that was interrupted."""

    async def work() -> None:
        strangler = await _strangler(as_json, json_lines)
        number, _ = await strangler.state.position()
        target = number + 1
        if name:
            target = SHAPES.index(name)
        if target < number:
            raise ValueError(f"{name} lies behind {SHAPES[number]}; `figtree back` goes there step by step")
        reports = []
        for _ in range(number, target):
            reports.append(await strangler.forward())
            if json_lines:
                _print({"what": "report", **asdict(reports[-1])})
        if as_json:
            _print([asdict(report) for report in reports])
        elif not json_lines:
            console.print(f"shape {await strangler.state.shape()}")

    carry_out(work())


@app.command()
def back(as_json: Json = False, json_lines: JsonLines = False) -> None:
    """Undo the last step, or the one under way, without losing a row."""

    async def work() -> None:
        strangler = await _strangler(as_json, json_lines)
        report = await strangler.back()
        if json_lines:
            _print({"what": "report", **asdict(report)})
        elif as_json:
            _print(asdict(report))
        else:
            console.print(f"shape {await strangler.state.shape()}")

    carry_out(work())


@app.command()
def verify(name: ModuleName, as_json: Json = False) -> None:
    """Compare every row of a module that is replicated, on both sides; exit status 3 if any differs."""

    async def work() -> int:
        strangler = await _strangler(True)
        comparison = await strangler.verify(BY_NAME[name])
        if as_json:
            _print(
                {
                    "module": name,
                    "rows": comparison.rows,
                    "differences": comparison.differences,
                    "examples": [str(example) for example in comparison.examples],
                }
            )
        else:
            console.print(f"{comparison.rows:,} rows compared, {comparison.differences} differ")
            for example in comparison.examples:
                console.print(f"  {example}", soft_wrap=True)
        return REFUSED if comparison.differences else 0

    raise typer.Exit(carry_out(work()))


@app.command()
def shape(as_json: Json = False) -> None:
    """The shape that the system has now, and how it came there."""

    async def work() -> None:
        strangler = await _strangler(True)
        now = await strangler.state.shape()
        journal = await strangler.state.journal()
        whereabouts = await strangler.state.whereabouts()
        if as_json:
            entries = [asdict(entry) for entry in journal]
            where = [asdict(one) for one in whereabouts]
            replication = [asdict(one) for one in await strangler.health()]
            _print(
                {
                    "shape": now,
                    "shapes": SHAPES,
                    "whereabouts": where,
                    "replication": replication,
                    "journal": entries,
                }
            )
            return
        for entry in journal:
            console.print(
                styled("[dim]{}[/]  {} {}", f"{entry.at:%H:%M:%S}", f"{entry.step:<13}", entry.what)
            )
        console.print(styled("shape [bold]{}[/]", now))
        for one in whereabouts:
            console.print(f"  {one.module:<9} {one}", soft_wrap=True)
        _print_health(await strangler.health())

    carry_out(work())


def _print_health(replication: list[Health]) -> None:
    for one in replication:
        text = f"  {one.module:<9} replication {one.direction}: {one}"
        console.print(
            text if one.state in ("running", "copying") else styled("[red]{}[/]", text), soft_wrap=True
        )


@app.command()
def copy(name: ModuleName) -> None:
    """Copy a module's rows anew to the side that nobody uses; exit status 3 if they differ then."""

    async def work() -> int:
        comparison = await (await _strangler(False)).copy(BY_NAME[name])
        console.print(f"{comparison.rows:,} rows compared, {comparison.differences} differ")
        return REFUSED if comparison.differences else 0

    raise typer.Exit(carry_out(work()))


@app.command()
def diff(
    heal: Annotated[bool, typer.Option("--heal", help="Put right what differs.")] = False,
    as_json: Json = False,
) -> None:
    """Compare what the repository declares with what is in force; exit status 3 if anything differs."""

    async def work() -> int:
        runtime = await _connect()
        found = await drift.drifts(runtime)
        if heal and found:
            await drift.heal(runtime, found)
        left = await drift.drifts(runtime) if heal and found else found
        if as_json:
            _print({"drifts": [asdict(d) for d in found], "left": len(left)})
            return REFUSED if left else 0
        for one in found:
            healed = "  [green]healed[/]" if heal and one not in left else ""
            console.print(styled("{}" + healed, one), soft_wrap=True)
        return REFUSED if left else 0

    raise typer.Exit(carry_out(work()))


@app.command()
def load(
    rate: Rate = None,
    seconds: Seconds = 30,
    as_json: Json = False,
) -> None:
    """Put the mixed load on the edge, and judge every answer; exit status 1 if one failed or was wrong."""

    async def work() -> int:
        settings = Settings()
        runtime = await _connect()
        with tempfile.TemporaryDirectory(prefix="figtree-load-") as directory:
            running, begun = Load(), time.time()
            running.start(runtime.edge(), rate or round(settings.load), settings.seed, Path(directory))
            try:
                await asyncio.sleep(seconds)
            finally:
                report = running.stop().report()
        if as_json:
            _print(report)
        else:
            console.print(
                f"{report['requests']:,} requests, {report['failures']} failed, {report['wrong']} wrong,"
                f" p50 {report['p50']:.1f} ms, p99 {report['p99']:.1f} ms"
            )
            if report["details"]:
                errors.print(failures(report["details"], begun))
        return 0 if report["ok"] else 1

    raise typer.Exit(carry_out(work()))


@app.command("exec", context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True})
def execute(
    command: Annotated[list[str], typer.Argument(help="A program and its arguments, after `--`.")],
    publish: Annotated[
        int, typer.Option(min=0, max=65535, help="A port on which it listens, for this machine's browser.")
    ] = 0,
) -> None:
    """Run a program in the network of the local mesh, whose ports are out of reach elsewhere."""

    async def work(visible: AbstractAsyncContextManager[None]) -> int:
        async with visible:
            process = await asyncio.create_subprocess_exec(*command)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program
            return await process.wait()

    with telling():
        if not publish:
            choose.enter(Settings())
            os.execvp(command[0], command)  # noqa: S606
        _, visible = choose.enter_publishing(Settings(), publish)
    raise typer.Exit(carry_out(work(visible)))


@app.command()
def logs(
    name: ProcessName,
    proxy: Annotated[bool, typer.Option("--proxy", help="Its sidecar's instead.")] = False,
    lines: LineCount = 50,
) -> None:
    """The last lines of a process: a workload, or istiod, ingress, postgres, nats."""

    async def work() -> None:
        for line in await (await _connect()).telemetry.logs(name, "proxy" if proxy else "app", lines):
            sys.stdout.write(line.rstrip("\n") + "\n")

    carry_out(work())


@app.command()
def doctor() -> None:
    """Print the state of this machine for a bug report, without secrets; exit status 1 if something is missing."""
    from machine import report

    from cli.doctor import lines

    for line in lines():
        console.print(line, soft_wrap=True)
    problems = report.look("demo").problems
    console.print(report.verdict(problems), soft_wrap=True)
    raise typer.Exit(1 if problems else 0)


@app.command()
def apply(files: list[Path]) -> None:
    """Put Istio resources into force, or be told by Istio why not."""

    async def work() -> None:
        await (await _connect()).mesh.apply([file.resolve() for file in files])

    carry_out(work())


@app.command()
def delete(files: list[Path]) -> None:
    """Take Istio resources out of force."""

    async def work() -> None:
        await (await _connect()).mesh.delete([file.resolve() for file in files])

    carry_out(work())


async def _strangler(quiet: bool, json_lines: bool = False) -> Strangler:
    progress = tour.Silent().phase if quiet else Lines().phase
    if json_lines:
        progress = _print_phase
    return Strangler(
        await _connect(),
        dwell=Settings().dwell,
        lock_limit=Settings().lock_limit,
        work_limit=Settings().work_limit,
        progress=progress,
    )


def _print_phase(step: str, text: str) -> None:
    _print({"what": "phase", "step": step, "text": text})


if __name__ == "__main__":
    app()
