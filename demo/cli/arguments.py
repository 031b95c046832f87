"""Arguments of the commands: a wrong value ends with status 2 and says what is allowed, before anything happens."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer
from runtime.manifests import workloads
from strangler.modules import BY_NAME, SHAPES

INFRASTRUCTURE = ("istiod", "ingress", "postgres", "nats")


def one_of(allowed: Callable[[], Iterable[str]], *, empty: bool = False) -> Callable[[str], str]:
    """Refuse every other name; `allowed` is asked when the command runs."""

    def check(value: str) -> str:
        names = list(allowed())
        if value in names or (empty and not value):
            return value
        raise typer.BadParameter(f"{value!r} is not known: use one of {', '.join(names)}")

    return check


def beginning(allowed: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """What the shell completes a word with."""

    def complete(incomplete: str) -> list[str]:  # Typer recognises the parameter by its name
        return [name for name in allowed() if name.startswith(incomplete)]

    return complete


def choice(allowed: Callable[[], Iterable[str]], text: str, *, empty: bool = False) -> Any:
    """An argument that is one of the names, and that the shell completes."""
    return typer.Argument(help=text, callback=one_of(allowed, empty=empty), autocompletion=beginning(allowed))


def processes() -> list[str]:
    return [*workloads(), *INFRASTRUCTURE]


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
JsonLines = Annotated[
    bool, typer.Option("--json-lines", help="Print one JSON document per thing that happens.")
]
ShapeName = Annotated[
    str, choice(lambda: SHAPES, "The shape to reach; without it, the next one.", empty=True)
]
ModuleName = Annotated[str, choice(lambda: BY_NAME, "title, currency, pricing or order.")]
ProcessName = Annotated[str, choice(processes, "A workload, or istiod, ingress, postgres, nats.")]
Rate = Annotated[
    int | None, typer.Option(min=1, max=2000, help="Requests per second; without it, LOAD or 120.")
]
Seconds = Annotated[float, typer.Option(min=1, max=86_400, help="How long.")]
LineCount = Annotated[int, typer.Option("-n", min=1, max=100_000, help="How many of each replica.")]
