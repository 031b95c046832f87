"""Istio as processes of this machine: istiod, an Envoy beside each workload, PostgreSQL and NATS."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from runtime.api import Refused, RuntimeFailure

from localmesh.client import LocalRuntime

Name = Annotated[str, typer.Option(help="The instance; several run side by side.")]
Files = Annotated[list[Path], typer.Argument(help="Files with Istio resources.", exists=True, dir_okay=False)]
Workload = Annotated[str, typer.Argument(help="A folder of k8s/base, such as currency.")]

app = typer.Typer(no_args_is_help=True, help=__doc__, add_completion=False)


@app.command()
def up(
    name: Name = "alone", mesh: Annotated[bool, typer.Option(help="With istiod and sidecars.")] = True
) -> None:
    """Start istiod, the ingress gateway, PostgreSQL and NATS."""

    async def work() -> None:
        runtime = await LocalRuntime.up(name, mesh=mesh, progress=lambda text: typer.echo(text, err=True))
        typer.echo(f"{runtime.name} is running")

    _carry_out(work())


@app.command()
def start(
    workload: Workload, name: Name = "alone", replicas: Annotated[int, typer.Option(min=1, max=9)] = 1
) -> None:
    """Start a workload with its database and its sidecars."""

    async def work() -> None:
        await (await LocalRuntime.connect(name)).workloads.start(workload, replicas=replicas)

    _carry_out(work())


@app.command()
def apply(files: Files, name: Name = "alone") -> None:
    """Put Istio resources into force, and wait until every proxy has them."""

    async def work() -> None:
        await (await LocalRuntime.connect(name)).mesh.apply([file.resolve() for file in files])

    _carry_out(work())


@app.command()
def delete(files: Files, name: Name = "alone") -> None:
    """Remove Istio resources, and wait until no proxy has them."""

    async def work() -> None:
        await (await LocalRuntime.connect(name)).mesh.delete([file.resolve() for file in files])

    _carry_out(work())


@app.command()
def status(name: Name = "alone") -> None:
    """List the replicas of each workload, their state, and the address of the workload."""

    async def work() -> None:
        runtime = await LocalRuntime.connect(name)
        for one in await runtime.workloads.statuses():
            address = await runtime.workloads.address(one.name)
            typer.echo(f"{one.name:<10} {one.version:<6} replica {one.replica}  {one.state:<9} {address}")

    _carry_out(work())


@app.command()
def down(name: Name = "alone") -> None:
    """Stop everything, and remove the instance's files."""

    async def work() -> None:
        await (await LocalRuntime.connect(name)).down()

    _carry_out(work())


def _carry_out(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except (RuntimeFailure, Refused) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app(prog_name="python -m localmesh")
