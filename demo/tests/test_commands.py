"""What a command says when something is wrong: one sentence, and an exit status."""

import io
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import grpc
import httpx
import psutil
import pytest
from cli import display
from cli.commands import carry_out
from cli.display import Lines, styled, verdict
from cli.journey import Outcome
from cli.reporter import Terminal
from scenes.catalogue import BY_NAME
from scenes.engine.result import Result

FIGTREE = str(Path(sys.executable).with_name("figtree"))


@pytest.mark.parametrize(
    "command",
    [
        "status", "edge", "page", "down", "step", "back", "verify title", "shape", "diff", "load --seconds 1",
        "logs title", "apply istio/mesh/gateway.yaml", "delete istio/mesh/gateway.yaml", "scene run mtls",
        "scene run --all --json", "telemetry trace 1", "telemetry graph", "telemetry prometheus",
    ],
)  # fmt: skip
def test_without_a_system_every_command_says_so_in_one_line(command: str) -> None:
    env = os.environ | {"FIGTREE_NAME": f"nobody-{os.getpid()}", "RUNTIME": "local"}
    done = subprocess.run([FIGTREE, *command.split()], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: nobody-{os.getpid()} is not running: start it with `figtree up`\n"


@pytest.mark.parametrize(
    "command",
    [
        "apply /tmp/a[/b].yaml", "delete /tmp/[bold]a[/].yaml", "logs [edge]", "verify [/x]", "scene show [/red]",
        "scene run [/x]", "telemetry graph --prometheus http://[edge]:1", "telemetry trace [/a]", "run [/x] seed",
    ],
)  # fmt: skip
def test_brackets_in_an_argument_are_printed_as_they_are(command: str) -> None:
    env = os.environ | {"FIGTREE_NAME": "nobody[/b]", "RUNTIME": "local", "COLUMNS": "300"}
    done = subprocess.run([FIGTREE, *command.split()], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert "MarkupError" not in done.stderr
    assert "[" in done.stderr


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


def test_a_prometheus_that_is_not_there_is_told_in_one_line() -> None:
    command = [FIGTREE, "telemetry", "graph", "--prometheus", "http://127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: Prometheus at http://127.0.0.1:1 does not answer: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("no [state]"), httpx.ReadTimeout("no [time]"), TimeoutError("no [time]"),
        httpx.StreamClosed(), ExceptionGroup("two", [asyncpg.PostgresError("no [one]"), OSError("no [other]")]),
        grpc.RpcError("no [peer]"), psutil.NoSuchProcess(1),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
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
def test_a_setting_that_is_no_number_is_told_in_one_line(command: str) -> None:
    env = os.environ | {"FIGTREE_NAME": f"nobody-{os.getpid()}", "RUNTIME": "local", "LOAD": "many"}
    done = subprocess.run([FIGTREE, *command.split()], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: LOAD: Input should be a valid number")
    assert done.stderr.count("\n") == 1
