"""The presenter, with chapters and a system of the test's own, and a real shell."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pexpect
import pytest
from cli import presenter
from cli.course import Chapter, chapters, commands
from cli.presenter import LocalSystem, Presenter, rehearse
from cli.shell import Shell, ShellEnded, recording
from runtime.api import RuntimeFailure

from tests.support.keys import press

FIGTREE = str(Path(sys.executable).with_name("figtree"))
PAGE = """# {number} {title}

<!-- present: shape={shape} figure=failed -->

[Course](README.md)

## The claim

{title} is **claimed** in [a talk](https://example.org).

## The command, and what you see

A word for `later`:

```console
{commands}
```

## A question to try

Is {title} true?
"""
FIRST = '$ export WORD=fig\n$ echo "$WORD" >> said\n$ echo two >> said; false'
SECOND = '$ echo "$WORD tree" >> said'


@dataclass
class System:
    """Remembers into which shapes it was brought."""

    brought: list[str] = field(default_factory=list)
    failure: str = ""

    def shape(self) -> str:
        return self.brought[-1]

    def bring(self, chapter: Chapter) -> bool:
        if self.failure:
            raise RuntimeFailure(self.failure)
        self.brought.append(chapter.shape)
        return True


@dataclass
class Screen:
    """Remembers what it showed."""

    shown: list[dict[str, Any]] = field(default_factory=list)

    def show(self, cue: dict[str, Any]) -> None:
        self.shown.append(cue)

    def clear(self) -> None: ...
    def users(self) -> str:
        return "20 users come"


@dataclass
class Talk:
    """What was there after a presentation."""

    system: System
    screen: Screen
    said: list[str]
    printed: str


Give = Callable[..., Talk]


@pytest.fixture
def course(tmp_path: Path) -> list[Chapter]:
    for number, title, shape, text in (
        (1, "First", "0-monolith", FIRST),
        (2, "Second", "5-no-monolith", SECOND),
    ):
        page = PAGE.format(number=number, title=title, shape=shape, commands=text)
        (tmp_path / f"{number:02}.md").write_text(page)
    return chapters(tmp_path)


@pytest.fixture
def give(course: list[Chapter], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Give:
    """Presents all chapters, or those of some numbers, with these keys; then nobody presses a key any more."""

    def give_(*keys: str, only: Sequence[int] = (), answer: str = "", failure: str = "") -> Talk:
        pressed = iter(keys)

        def key() -> str:
            if (pressed_ := next(pressed, None)) is None:
                raise EOFError
            return pressed_

        system, screen = System(failure=failure), Screen()
        with tempfile.TemporaryFile() as output, Shell(output) as shell:
            shell.run(f"cd {tmp_path}")
            chosen = [chapter for chapter in course if not only or chapter.number in only]
            Presenter(chosen, course, system, screen, shell, key, lambda _: answer).present()
        said = tmp_path / "said"
        return Talk(
            system,
            screen,
            said.read_text().split("\n")[:-1] if said.exists() else [],
            capsys.readouterr().out,
        )

    return give_


def test_a_chapter_is_read_from_its_page(course: list[Chapter]) -> None:
    first = course[0]
    assert (first.number, first.title, first.shape, first.figure) == (1, "First", "0-monolith", "failed")
    assert first.claim == "First is claimed in a talk."
    assert first.question == "Is First true?"
    assert [command.text for command in first.commands] == FIRST.replace("$ ", "").split("\n")
    assert {command.note for command in first.commands} == {"A word for `later`:"}


def test_a_page_that_names_no_shape_is_no_chapter(tmp_path: Path) -> None:
    (tmp_path / "01.md").write_text("# 1 First\n\n## The claim\n")
    with pytest.raises(ValueError, match=r"01\.md does not begin as a chapter: .*shape=SHAPE"):
        chapters(tmp_path)


def test_each_key_runs_one_command_in_one_shell(give: Give) -> None:
    assert give().said == []
    assert give("\r", "\r").said == ["fig"]


def test_the_screen_shows_a_command_before_it_runs_while_it_runs_and_after(give: Give) -> None:
    screen = give("\r").screen
    assert [(one["state"], one["command"]) for one in screen.shown] == [
        ("opening", ""),
        ("next", "export WORD=fig"),
        ("running", "export WORD=fig"),
        ("done", "export WORD=fig"),
        ("next", 'echo "$WORD" >> said'),
    ]
    assert screen.shown[1]["note"] == "A word for `later`:"
    assert screen.shown[0]["begun"] == 0
    assert screen.shown[2]["begun"] == screen.shown[4]["begun"] > 0


def test_a_command_that_fails_is_shown_and_ends_nothing(give: Give) -> None:
    talk = give(*"\r\r\r\r\r")
    assert "exit status 1" in talk.printed
    assert "failed" in [one["state"] for one in talk.screen.shown]
    assert talk.said == ["fig", "two", "fig tree"]


def test_after_the_last_command_comes_the_question_and_then_the_next_chapter(give: Give) -> None:
    talk = give(*"\r\r\r")
    assert talk.screen.shown[-1]["state"] == "question"
    assert "Is First true?" in talk.printed
    assert talk.system.brought == ["0-monolith"]
    assert give(*"\r\r\r\r").system.brought == ["0-monolith", "5-no-monolith"]


def test_the_last_command_is_repeated_another_is_skipped_and_one_comes_again(give: Give) -> None:
    assert give(*"\r\rr").said == ["fig", "fig"]


def test_a_command_is_skipped(give: Give) -> None:
    assert give(*"ss\r").said == ["two"]


def test_going_back_offers_the_command_before(give: Give) -> None:
    assert give(*"\r\rb\r").said == ["fig", "fig"]


def test_a_jump_brings_the_system_into_the_shape_and_sets_what_earlier_chapters_export(give: Give) -> None:
    talk = give("c", "\r", answer="2")
    assert talk.system.brought == ["0-monolith", "5-no-monolith"]
    assert talk.said == ["fig tree"]


def test_a_chapter_alone_has_what_earlier_ones_export(give: Give) -> None:
    assert give("\r", only=[2]).said == ["fig tree"]


def test_a_chapter_that_is_not_there_is_refused_with_what_is_allowed(give: Give) -> None:
    talk = give("c", answer="7")
    assert "'7' is not known: use one of 1, 2" in talk.printed
    assert talk.system.brought == ["0-monolith"]


def test_a_reset_begins_the_chapter_anew(give: Give) -> None:
    talk = give(*"\r\rx")
    assert talk.system.brought == ["0-monolith", "0-monolith"]
    assert talk.screen.shown[-1]["command"] == "export WORD=fig"
    assert talk.screen.shown[-1]["begun"] == 0


def test_a_pause_is_on_the_screen_until_any_key_and_runs_nothing(give: Give) -> None:
    talk = give(*"p\r")
    assert [one["state"] for one in talk.screen.shown] == ["opening", "next", "paused", "next"]
    assert talk.said == []


def test_q_ends_the_presentation(give: Give) -> None:
    assert give(*"\r\rq\r").said == ["fig"]


def test_users_come_by_a_key(give: Give) -> None:
    assert "20 users come" in give("u").printed


def test_a_key_that_means_nothing_does_nothing(give: Give) -> None:
    assert give("z", "\x1b[A", "r").said == []


def test_a_shape_that_is_not_reached_is_shown_and_ends_nothing(give: Give) -> None:
    talk = give(*"\r\r", failure="`figtree step 1-currency`: refused")
    assert "not in shape 0-monolith: `figtree step 1-currency`: refused" in talk.printed
    assert talk.said == ["fig"]


def test_a_rehearsal_times_each_chapter_and_names_what_differs_from_the_page(tmp_path: Path) -> None:
    for number, text in ((1, "$ echo fig\nfig\n$ echo fig\ntree"), (2, "$ echo a b c\na … c")):
        page = PAGE.format(number=number, title="Any", shape="0-monolith", commands=text)
        (tmp_path / f"{number:02}.md").write_text(page)
    course = chapters(tmp_path)
    screen = Screen()
    first, second = rehearse(course, course, System(), screen)
    assert (first.different, second.different) == (("echo fig",), ())
    assert first.seconds > 0
    assert [one["command"] for one in screen.shown] == ["", "echo fig", "echo fig", "", "echo a b c"]


def test_a_command_reads_nothing_and_one_that_ends_the_shell_is_named() -> None:
    with recording() as shell:
        assert shell.record("cat") == ""
        assert shell.record("echo 'it''s'; (exit 7)") == "its\n"
        assert shell.run("(exit 7)") == 7
        assert shell.run("syntax (") != 0
        with pytest.raises(ShellEnded, match="the shell ended with `exit 3`"):
            shell.run("exit 3")


def test_only_the_paragraph_in_front_of_a_block_is_its_note() -> None:
    page = "Far.\n\nNear [by](x.md),\nhere.\n\n```console\n$ a\n```\n\n| t |\n\n```console\n$ b\n```\n"
    assert [(one.text, one.note) for one in commands(page)] == [("a", "Near by, here."), ("b", "")]


def chapter(shape: str, *, starts: bool = False) -> Chapter:
    found = commands("```console\n$ figtree up\n```\n") if starts else []
    return Chapter(1, "Any", shape, "failed", "", tuple(found), "")


@pytest.mark.parametrize(
    ("now", "phase", "wanted", "expected"),
    [
        ("0-monolith", "in-process", "0-monolith", ["diff --heal"]),
        ("0-monolith", "in-process", "5-no-monolith", ["diff --heal", "step 5-no-monolith"]),
        ("2-title", "strangled", "0-monolith", ["back", "back", "diff --heal"]),
        ("0-monolith", "shared", "0-monolith", ["back", "diff --heal"]),
        ("0-monolith", "shared", "1-currency", ["diff --heal", "step 1-currency"]),
        ("1-currency", "shared", "0-monolith", ["back", "back", "diff --heal"]),
        ("", "", "5-no-monolith", ["up", "diff --heal", "step 5-no-monolith"]),
    ],
)
def test_a_shape_is_reached_from_every_other_one(
    now: str, phase: str, wanted: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def run(_: LocalSystem, *arguments: str, **__: str) -> subprocess.CompletedProcess[str]:
        if arguments == ("shape", "--json"):
            state = {"shape": now, "whereabouts": [{"phase": phase}]}
            return subprocess.CompletedProcess(arguments, 0 if now else 1, json.dumps(state), "")
        done.append(" ".join(arguments))
        return subprocess.CompletedProcess(arguments, 0, "", "")

    monkeypatch.setattr(LocalSystem, "run", run)
    assert LocalSystem().bring(chapter(wanted))
    assert done == expected


def test_a_chapter_that_starts_the_system_finds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = subprocess.CompletedProcess((), 1, "", "error: it is not running")
    monkeypatch.setattr(LocalSystem, "run", lambda *_, **__: nothing)
    assert not LocalSystem().bring(chapter("0-monolith", starts=True))
    with pytest.raises(RuntimeFailure, match="`figtree up`: error: it is not running"):
        LocalSystem().bring(chapter("0-monolith"))


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of forkpty:DeprecationWarning")
def test_a_narrow_terminal_without_colours_shows_everything_and_says_how_the_system_is_left() -> None:
    env = os.environ | {"FIGTREE_NAME": f"nobody-{os.getpid()}", "NO_COLOR": "1", "TERM": "xterm"}
    for size in (
        "COLUMNS",
        "LINES",
    ):  # make exports that of its own terminal, and it would count for more than this one
        env.pop(size, None)
    narrow = (30, 40)
    with pexpect.spawn(FIGTREE, ["present", "1"], env=env, encoding="utf-8", dimensions=narrow) as terminal:
        terminal.timeout = 60
        terminal.expect_exact("$ figtree up")
        shown = terminal.before
        press(terminal, "s")
        terminal.expect_exact("$ figtree shape")
        press(terminal, "\r")
        terminal.expect_exact("is not running")
        terminal.expect_exact("exit status 1")
        terminal.expect_exact("$ export EDGE")
        terminal.expect_exact("q quits")
        shown += terminal.before
        press(terminal, "q")
        terminal.expect_exact("the system does not run")
        terminal.expect(pexpect.EOF)
    assert terminal.exitstatus == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert max(map(len, re.split("[\r\n]+", text))) <= 40
    assert not re.search(r"\x1b\[[0-9;]*[34][0-9]m", shown), "a colour"


def test_a_presentation_without_a_terminal_is_refused_in_one_line() -> None:
    done = subprocess.run([FIGTREE, "present"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    expected = "error: present takes its keys from a terminal: run it in one, or add --rehearse\n"
    assert done.stderr == expected


def test_without_a_page_the_screen_shows_nothing_and_nothing_fails() -> None:
    def address() -> str:
        raise RuntimeFailure("demo is not running")

    screen = presenter.PageScreen(address)
    screen.show({})
    screen.clear()
    assert screen.users() == "no users: demo is not running"
