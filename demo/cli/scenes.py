"""figtree scene list | show | run."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Annotated

import typer
from rich.table import Column, Table
from runtime.api import Runtime
from scenes.catalogue import BY_NAME, SCENES
from scenes.engine.acknowledged import Acknowledged, Proof
from scenes.engine.reporter import JsonLines, Nobody, Reporter
from scenes.engine.result import Result
from scenes.engine.run import run as act_out
from scenes.engine.scene import NEEDS, Scene
from scenes.engine.stage import ISTIO
from scenes.markdown import page
from strangler.database import MONOLITH
from strangler.modules import SHAPES
from strangler.steps import Strangler

from cli import choose
from cli.arguments import beginning
from cli.commands import carry_out
from cli.display import console, print_table, styled
from cli.reporter import Terminal
from cli.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="Claims about the mesh, shown on live traffic, measured and asserted."
)


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/scenes.md instead.")] = False,
) -> None:
    """List all scenes."""
    if as_markdown:
        sys.stdout.write(page())
        return
    if as_json:
        shown = [
            {f.name: getattr(s, f.name) for f in fields(s) if f.name != "act"}
            | {"needed": NEEDS.get(s.needs, "")}
            for s in SCENES
        ]
        sys.stdout.write(json.dumps(shown) + "\n")
        return
    table = Table(Column("scene", no_wrap=True), "title", "group", "from shape")
    for scene in SCENES:
        table.add_row(scene.name, scene.title, scene.group, scene.shape)
    print_table(table, 2)


@app.command()
def show(name: Annotated[str, typer.Argument(autocompletion=beginning(lambda: BY_NAME))]) -> None:
    """What a scene says, expects and applies, with each manifest."""
    scene = _find_scene(name)
    console.print(
        styled("[bold]{}[/]\n\nThe talk:   {}\nHypothesis: {}\n", scene.title, scene.says, scene.hypothesis)
    )
    for manifest in scene.manifests:
        console.print(styled("[bold]istio/{}[/]", manifest))
        sys.stdout.write((ISTIO / manifest).read_text() + "\n")


@app.command()
def run(
    names: Annotated[list[str] | None, typer.Argument(autocompletion=beginning(lambda: BY_NAME))] = None,
    every: Annotated[bool, typer.Option("--all", help="All of them, in the talk's order.")] = False,
    times: Annotated[int, typer.Option(min=1, help="How often in a row.")] = 1,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    json_lines: Annotated[
        bool, typer.Option("--json-lines", help="One JSON document per thing that happens.")
    ] = False,
) -> None:
    """Act scenes out on the running system; exit status 1 if one did not show what it claims."""
    scenes = list(SCENES) if every else [_find_scene(name) for name in names or ()]
    if not scenes:
        raise typer.BadParameter("name a scene, or say --all")
    telling = JsonLines() if json_lines else Nobody() if as_json else Terminal()
    results, proof = carry_out(_run_connected(scenes * times, telling, every=every))
    if as_json:
        shown = {"scenes": [asdict(result) for result in results], "orders": asdict(proof)}
        sys.stdout.write(json.dumps(shown) + "\n")
    elif not json_lines:
        failed = [result.scene for result in results if not result.passed]
        console.print(
            f"{proof.orders:,} orders acknowledged meanwhile: {proof.lost} lost, {proof.doubled} doubled,"
            f" {proof.different} different; {proof.broken} of all stored orders broken"
        )
        console.print(
            f"{len(results) - len(failed)} of {len(results)} scenes passed, {sum(r.seconds for r in results):.0f} s"
        )
        for name in failed:
            console.print(styled("  [red]failed[/] {}", name))
    raise typer.Exit(0 if all(result.passed for result in results) and proof.holds else 1)


async def _run_connected(
    scenes: list[Scene], telling: Reporter, *, every: bool
) -> tuple[list[Result], Proof]:
    runtime = await choose.connect(Settings())
    if every:
        missing = [scene for scene in dict.fromkeys(scenes) if not _is_runnable(runtime, scene)]
        for need in dict.fromkeys(scene.needs for scene in missing if isinstance(telling, Terminal)):
            names = ", ".join(scene.name for scene in missing if scene.needs == need)
            console.print(f"left out, as they need {NEEDS[need]}: {names}\n")
        scenes = [scene for scene in scenes if _is_runnable(runtime, scene)]
    return await perform(runtime, scenes, telling)


def _is_runnable(runtime: Runtime, scene: Scene) -> bool:
    return not scene.needs or scene.needs in runtime.capabilities


async def perform(
    runtime: Runtime, scenes: Sequence[Scene], telling: Reporter | None = None
) -> tuple[list[Result], Proof]:
    """Act the scenes out one after the other; the results, and what became of the orders placed meanwhile."""
    telling = telling or Terminal()
    number, _ = await Strangler(runtime).state.position()
    results = []
    acknowledged = Acknowledged()
    try:
        for scene in scenes:
            if why := _hindrance(runtime, scene, number):
                results.append(Result(scene.name, why=why))
            else:
                telling.begins(scene)
                result = await act_out(
                    runtime, scene, tell=telling.tell, measured=telling.measured, acknowledged=acknowledged
                )
                results.append(result)
            telling.ended(results[-1])
        proof = await acknowledged.prove(runtime, "order" if number >= SHAPES.index("4-order") else MONOLITH)
    finally:
        await runtime.tidy()
    telling.proven(proof)
    return results, proof


def _hindrance(runtime: Runtime, scene: Scene, number: int) -> str:
    """Why the scene cannot be acted out in the shape of that number; "" if it can."""
    if not _is_runnable(runtime, scene):
        return f"needs {NEEDS[scene.needs]}"
    if SHAPES.index(scene.shape) > number:
        return f"needs shape {scene.shape}: `figtree step {scene.shape}`"
    return ""


def _find_scene(name: str) -> Scene:
    if name not in BY_NAME:
        raise typer.BadParameter(f"there is no scene {name}; `figtree scene list` shows all")
    return BY_NAME[name]
