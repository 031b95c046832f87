"""What a terminal shows of a scene."""

from scenes.engine.reporter import Nobody
from scenes.engine.result import Result
from scenes.engine.scene import Scene

from cli.display import console, styled


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
