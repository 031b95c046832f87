"""What a command says when something is wrong: one sentence, and an exit status."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import asyncpg
import grpc
import httpx
import psutil
import pytest
import typer
from cli import display
from cli.__main__ import app
from cli.commands import carry_out
from cli.display import Lines, failures, styled, verdict
from cli.journey import Outcome
from cli.reporter import Terminal
from rich.console import Console
from scenes.catalogue import BY_NAME
from scenes.engine.result import Result

FIGTREE = str(Path(sys.executable).with_name("figtree"))


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "edge",
        "page",
        "down",
        "step",
        "back",
        "verify title",
        "shape",
        "diff",
        "load --seconds 1",
        "logs title",
        "apply istio/mesh/gateway.yaml",
        "delete istio/mesh/gateway.yaml",
        "scene run mtls",
        "scene run --all --json",
        "telemetry trace 1",
        "telemetry graph",
        "telemetry prometheus",
    ],
)
def test_without_a_system_every_command_says_so_in_one_line(command: str) -> None:
    env = os.environ | {"FIGTREE_NAME": f"nobody-{os.getpid()}", "RUNTIME": "local"}
    done = subprocess.run([FIGTREE, *command.split()], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: nobody-{os.getpid()} is not running: start it with `figtree up`\n"


@pytest.mark.parametrize(
    "command",
    [
        "apply /tmp/a[/b].yaml",
        "delete /tmp/[bold]a[/].yaml",
        "logs [edge]",
        "verify [/x]",
        "scene show [/red]",
        "scene run [/x]",
        "telemetry graph --prometheus http://[edge]:1",
        "telemetry trace [/a]",
        "run [/x] seed",
    ],
)
def test_brackets_in_an_argument_are_printed_as_they_are(command: str) -> None:
    env = os.environ | {"FIGTREE_NAME": "nobody[/b]", "RUNTIME": "local", "COLUMNS": "300"}
    done = subprocess.run([FIGTREE, *command.split()], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert "MarkupError" not in done.stderr
    assert "[" in done.stderr


def options(typer_app: typer.Typer) -> Iterator[tuple[str, Any, Any]]:
    """Command and parameter, its type, and what Typer is told of it; of the commands of all groups."""
    for command in typer_app.registered_commands:
        assert command.callback is not None
        for name, hint in get_type_hints(command.callback, include_extras=True).items():
            if name != "return":
                kind, *details = get_args(hint) if get_origin(hint) is Annotated else [hint]
                yield f"{command.callback.__name__} {name}", kind, details[0] if details else None
    for group in typer_app.registered_groups:
        assert group.typer_instance is not None
        yield from options(group.typer_instance)


def test_every_number_of_a_command_has_bounds() -> None:
    numbers = [(name, details) for name, kind, details in options(app) if re.search("int|float", str(kind))]
    assert len(numbers) > 20
    assert [name for name, details in numbers if getattr(details, "min", None) is None] == []


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        ("load --rate -3", "greater than or equal to 1"),
        ("load --rate 0", "greater than or equal to 1"),
        ("load --rate many", "valid integer"),
        ("load --seconds 0", "than or equal to 1"),
        ("load --seconds nan", "than or equal to 86400"),
        ("logs nothing", "currency"),
        ("logs title -n 0", "than or equal to 1"),
        ("step 9-none", "0-monolith, 1-currency"),
        ("verify nothing", "currency, title, pricing, order"),
        ("copy nothing", "currency, title, pricing, order"),
        ("scene run mtls --times 0", "than or equal to 1"),
        ("telemetry prometheus --port 70000", "less than or equal to 65535"),
        ("bench run --rounds 0", "than or equal to 1"),
        ("nonsense", "No such command"),
        ("up --nonsense", "No such option"),
    ],
)
def test_a_wrong_argument_ends_with_status_2_and_what_is_allowed(command: str, allowed: str) -> None:
    env = os.environ | {"FIGTREE_NAME": f"nobody-{os.getpid()}", "RUNTIME": "local", "COLUMNS": "300"}
    done = subprocess.run([FIGTREE, *command.split()], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert allowed in done.stderr
    assert "Traceback" not in done.stderr


def test_the_first_failures_of_a_load_are_a_table() -> None:
    one = {
        "name": "title",
        "method": "GET",
        "path": "/api/titles/[t]",
        "status": 503,
        "message": "status 503 instead of 200",
    }
    other = one | {"name": "order", "status": 0, "message": "connection refused"}
    shown = io.StringIO()
    Console(file=shown, width=150).print(failures([one, other, one]))
    text = shown.getvalue()
    assert text.index("status 503") < text.index("connection refused"), "the most frequent first"
    assert "2 " in text
    assert "GET /api/titles/[t] → 503" in text
    assert "no answer" in text
    assert "{" not in text


def test_what_is_printed_keeps_its_brackets_and_colons() -> None:
    text = "[edge] a[/b] [bold]x[/] :warning: \\[y]"
    outcome = Outcome(problems=[text])
    scene = next(iter(BY_NAME.values()))
    shown = io.StringIO()
    for target in (display.console, display.errors):
        with target.capture() as captured:
            target.print(text, soft_wrap=True)
            target.print(styled("[bold]{}[/]", text), soft_wrap=True)
            target.print(verdict(outcome), soft_wrap=True)
        shown.write(captured.get())
    with display.console.capture() as captured:
        lines = Lines()
        lines.phase("1-currency", text)
        lines.note(text)
        told = Terminal()
        told.begins(scene)
        told.tell(text)
        told.ended(Result(scene.name, False, text, 0.1, seen=[text]))
    assert shown.getvalue().count(text) == 6
    assert captured.get().count(text) == 5


def test_an_error_of_a_database_or_of_http_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    async def fails(error: Exception) -> None:
        raise error

    for error in (asyncpg.LockNotAvailableError("no [lock]"), httpx.ConnectError("no [edge]")):
        with pytest.raises(SystemExit, match="1"):
            carry_out(fails(error))
        assert str(error) in capsys.readouterr().err


def test_a_prometheus_that_is_not_there_is_reported_in_one_line() -> None:
    command = [FIGTREE, "telemetry", "graph", "--prometheus", "http://127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: Prometheus at http://127.0.0.1:1 does not answer: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("no [state]"),
        httpx.ReadTimeout("no [time]"),
        TimeoutError("no [time]"),
        httpx.StreamClosed(),
        ExceptionGroup("two", [asyncpg.PostgresError("no [one]"), OSError("no [other]")]),
        grpc.RpcError("no [peer]"),
        psutil.NoSuchProcess(1),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_error_of_a_library_reaches_the_user_as_a_traceback(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fails() -> None:
        raise error

    with pytest.raises(SystemExit, match="1"):
        carry_out(fails())
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    "command", ["demo", "up", "status", "scene run mtls", "telemetry graph", "bench run"]
)
def test_a_setting_that_is_no_number_is_reported_in_one_line(command: str) -> None:
    env = os.environ | {"FIGTREE_NAME": f"nobody-{os.getpid()}", "RUNTIME": "local", "LOAD": "many"}
    done = subprocess.run([FIGTREE, *command.split()], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: LOAD: Input should be a valid number")
    assert done.stderr.count("\n") == 1
