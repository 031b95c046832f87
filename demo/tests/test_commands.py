"""What a command says when something is wrong: one sentence, and an exit status."""

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import asyncpg
import grpc
import httpx
import psutil
import pytest
import typer
from cli import choose, display, tour
from cli.__main__ import app
from cli.commands import carry_out
from cli.display import Lines, failures, overload, print_table, styled, verdict
from cli.journey import Outcome
from cli.reporter import Terminal
from cli.settings import Settings
from rich.console import Console
from rich.table import Column, Table
from scenes.catalogue import BY_NAME
from scenes.engine.result import Result

FIGTREE = str(Path(sys.executable).with_name("figtree"))

Figtree = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def figtree(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Figtree:
    """Runs a command in this process, for an instance that does not exist; gives its status and what it printed."""
    monkeypatch.setenv("FIGTREE_NAME", f"nobody-{os.getpid()}")
    monkeypatch.setenv("RUNTIME", "local")
    monkeypatch.setenv("COLUMNS", "300")

    def run(command: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            app(command.split(), prog_name="figtree")
        shown = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, shown.out, shown.err

    return run


def test_the_command_itself_ends_with_the_status_and_the_line() -> None:
    env = os.environ | {"FIGTREE_NAME": f"nobody-{os.getpid()}", "RUNTIME": "local"}
    done = subprocess.run([FIGTREE, "status"], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: nobody-{os.getpid()} is not running: start it with `figtree up`\n"


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
def test_without_a_system_every_command_says_so_in_one_line(command: str, figtree: Figtree) -> None:
    reported = f"error: nobody-{os.getpid()} is not running: start it with `figtree up`\n"
    assert figtree(command) == (1, "", reported)


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
def test_brackets_in_an_argument_are_printed_as_they_are(
    command: str, figtree: Figtree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIGTREE_NAME", "nobody[/b]")
    status, _, reported = figtree(command)
    assert status in (1, 2)
    assert "Traceback" not in reported
    assert "MarkupError" not in reported
    assert "[" in reported


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
        ("present --rehearse 0", "than or equal to 1"),
        ("present --rehearse 15", "use numbers from 1 to 14"),
        ("bench run --rounds 0", "than or equal to 1"),
        ("nonsense", "No such command"),
        ("up --nonsense", "No such option"),
    ],
)
def test_a_wrong_argument_ends_with_status_2_and_what_is_allowed(
    command: str, allowed: str, figtree: Figtree
) -> None:
    status, out, reported = figtree(command)
    assert (status, out) == (2, "")
    assert allowed in reported
    assert "Traceback" not in reported


def test_the_first_failures_of_a_load_are_a_table() -> None:
    one = {
        "name": "title",
        "method": "GET",
        "path": "/api/titles/[t]",
        "status": 503,
        "message": "status 503 instead of 200",
        "body": '{"detail": "please [repeat]"}',
        "at": 1012.34,
    }
    other = one | {"name": "order", "status": 0, "message": "connection refused", "body": "", "at": 1020.0}
    shown = io.StringIO()
    Console(file=shown, width=150).print(failures([one, other, one | {"at": 1013.5}], 1000.0))
    text = shown.getvalue()
    assert text.index("status 503") < text.index("connection refused"), "the most frequent first"
    assert "2 " in text
    assert "GET /api/titles/[t] → 503: please [repeat]" in text
    assert "12.3 to 13.5" in text
    assert " 20.0 " in text
    assert "no answer" in text
    assert "{" not in text


def test_a_journey_that_is_too_much_for_the_machine_says_what_to_do_and_no_other_does() -> None:
    refused, failed = {"status": 429}, {"status": 503}
    assert "does not carry 120 requests a second" in overload([refused, refused], 120)
    assert overload([refused], 120).endswith("LOAD=60 make demo")
    assert overload([refused, failed], 120).startswith("1 of the first 2 failures are answers 429")
    assert [overload(details, 120) for details in ([], [failed])] == ["", ""]


@pytest.mark.parametrize("holds", [True, False])
async def test_a_journey_that_does_not_hold_keeps_the_logs_of_what_it_takes_down(
    holds: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    instance = tmp_path / "instance"
    (instance / "logs").mkdir(parents=True)
    (instance / "logs" / "order-v1-0.log").write_text("why it failed")

    async def down() -> None:
        shutil.rmtree(instance)

    async def up(*_: object) -> SimpleNamespace:
        return SimpleNamespace(capabilities={"mesh"}, edge=str, page=str, down=down)

    async def finds(*_: object) -> bool:
        return holds

    for name, stands_in in {"up": up, "_travel": finds, "_scenes": finds, "ROOT": tmp_path}.items():
        monkeypatch.setattr(tour, name, stands_in)
    monkeypatch.setattr(tour, "directory_of", lambda _: instance)
    monkeypatch.setattr(choose, "found", lambda _: False)
    assert await tour.demo(Settings(figtree_name="kept"), interactive=False) == int(not holds)
    assert not instance.exists()
    kept = tmp_path / "build" / "logs" / "kept" / "order-v1-0.log"
    assert kept.exists() != holds


@pytest.mark.parametrize(("width", "left_out"), [(40, "version, restarts,"), (70, "address, pid"), (200, "")])
def test_a_table_leaves_out_columns_rather_than_names_in_a_narrow_terminal(
    width: int, left_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = Console(file=io.StringIO(), width=width, markup=False)
    monkeypatch.setattr(display, "console", narrow)
    names = ("workload", "state", "ready", "version", "restarts", "address", "pid")
    table = Table(*(Column(name, no_wrap=name == "workload") for name in names))
    table.add_row("notification-0", "running", "yes", "v1", "0", "127.12.44.101", "4711")
    print_table(table, 3)
    shown = narrow.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, shown.splitlines())) <= width
    assert "notification-0" in shown
    assert "running" in shown
    assert (f"too narrow for: {left_out}" in shown) == bool(left_out)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("figtree st", ["status", "step"]),
        ("figtree step 3", ["3-pricing"]),
        ("figtree verify o", ["order"]),
        ("figtree logs pri", ["pricing"]),
        ("figtree scene run canary-w", ["canary-weight", "canary-wrong-answers"]),
    ],
)
def test_the_shell_is_offered_what_can_follow(
    words: str, offered: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_FIGTREE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    with pytest.raises(SystemExit, match="0"):
        app(prog_name="figtree")
    assert capsys.readouterr().out.split() == offered


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
        terminal = Terminal()
        terminal.begins(scene)
        terminal.tell(text)
        terminal.ended(Result(scene.name, False, text, 0.1, seen=[text]))
    assert shown.getvalue().count(text) == 6
    assert captured.get().count(text) == 5


def test_an_error_of_a_database_or_of_http_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    async def fails(error: Exception) -> None:
        raise error

    for error in (asyncpg.LockNotAvailableError("no [lock]"), httpx.ConnectError("no [edge]")):
        with pytest.raises(SystemExit, match="1"):
            carry_out(fails(error))
        assert str(error) in capsys.readouterr().err


def test_a_prometheus_that_is_not_there_is_reported_in_one_line(figtree: Figtree) -> None:
    status, out, reported = figtree("telemetry graph --prometheus http://127.0.0.1:1")
    assert (status, out) == (1, "")
    assert reported.startswith("error: Prometheus at http://127.0.0.1:1 does not answer: ")
    assert reported.count("\n") == 1


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
    reported = capsys.readouterr().err
    assert reported.startswith("error: ")
    assert reported.count("\n") == 1


@pytest.mark.parametrize(
    "command", ["demo", "up", "status", "scene run mtls", "telemetry graph", "bench run"]
)
def test_a_setting_that_is_no_number_is_reported_in_one_line(
    command: str, figtree: Figtree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAD", "many")
    status, out, reported = figtree(command)
    assert (status, out) == (1, "")
    assert reported.startswith("error: LOAD: Input should be a valid number")
    assert reported.count("\n") == 1
