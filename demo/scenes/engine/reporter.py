"""Who hears what a scene does: somebody at a terminal, a program line by line, or nobody."""

import json
import sys
from dataclasses import asdict
from typing import Any, Protocol

from cli.display import console, styled

from scenes.engine.acknowledged import Proof
from scenes.engine.scene import Figure, Result, Scene


class Telling(Protocol):
    def begins(self, scene: Scene) -> None: ...
    def tell(self, text: str) -> None: ...
    def measured(self, what: Figure | str) -> None: ...
    def ended(self, result: Result) -> None: ...
    def proven(self, proof: Proof) -> None: ...


class Nobody:
    def begins(self, scene: Scene) -> None: ...
    def tell(self, text: str) -> None: ...
    def measured(self, what: Figure | str) -> None: ...
    def ended(self, result: Result) -> None: ...
    def proven(self, proof: Proof) -> None: ...


class Terminal(Nobody):
    def begins(self, scene: Scene) -> None:
        console.print(styled("[bold]{}[/]  {}", scene.name, scene.hypothesis))

    def tell(self, text: str) -> None:
        console.print(styled("    [dim]{}[/]", text))

    def ended(self, result: Result) -> None:
        for figure in result.figures:
            console.print(f"    {figure.name:<40} {figure.value} {figure.unit}")
        for seen in result.seen:
            console.print(styled("    [green]seen[/] {}", seen))
        verdict = "[bold green]passed[/]{}" if result.passed else "[bold red]failed[/] {}"
        why = "" if result.passed else result.why
        console.print(styled(f"    {verdict} [dim]{{}} s[/]\n", why, f"{result.seconds:.1f}"))


class JsonLines:
    """One document per thing that happens; `what` names its kind."""

    def begins(self, scene: Scene) -> None:
        _line("scene", scene=scene.name, title=scene.title, hypothesis=scene.hypothesis)

    def tell(self, text: str) -> None:
        _line("tell", text=text)

    def measured(self, what: Figure | str) -> None:
        if isinstance(what, Figure):
            _line("figure", **asdict(what))
        else:
            _line("seen", text=what)

    def ended(self, result: Result) -> None:
        _line("result", **asdict(result))

    def proven(self, proof: Proof) -> None:
        _line("orders", **asdict(proof), holds=proof.holds)


def _line(what: str, **content: Any) -> None:
    sys.stdout.write(json.dumps({"what": what, **content}, ensure_ascii=False) + "\n")
    sys.stdout.flush()
