"""figtree present: the course as a script for somebody who shows it, and the page that follows."""

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import httpx
import typer
from rich.rule import Rule
from rich.table import Column, Table
from runtime.api import RuntimeFailure
from strangler.modules import SHAPES
from strangler.state import SETTLED

from cli import choose
from cli.course import Chapter, Command, chapters
from cli.display import console, print_table, styled
from cli.settings import Settings
from cli.shell import Shell, recording

KEYS = (
    "Enter runs · r repeats · s skips · b goes back · c jumps to a chapter · x resets the chapter"
    " · p pauses · u users · q quits"
)
DWELL = "0.2"  # seconds of each share of the traffic on the way to a chapter, where nobody looks
USERS = 20  # requests per second
STAY = 900  # seconds
SOON = 5.0  # seconds in which the page answers


class System(Protocol):
    """What is presented."""

    def shape(self) -> str:
        """The shape that it has, empty while it does not run."""
        ...

    def bring(self, chapter: Chapter) -> bool:
        """Into the chapter's shape, with nothing in force but what the repository declares; whether it runs now.

        It need not run for a chapter that starts it. Raises RuntimeFailure.
        """
        ...


class Screen(Protocol):
    """Where the audience looks."""

    def show(self, cue: dict[str, Any]) -> None: ...
    def clear(self) -> None: ...
    def users(self) -> str:
        """Brings users, or sends them away; what it did."""
        ...


class LocalSystem:
    """The local mesh, by the commands that a user has. `environment` is that of the commands."""

    def __init__(self, **environment: str) -> None:
        self._env = os.environ | environment

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A figtree command, whose output nobody sees."""
        command = [sys.executable, "-m", "cli", *arguments]
        return subprocess.run(
            command,
            env=self._env | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def shape(self) -> str:
        where = self._where()
        return str(where["shape"]) if where else ""

    def bring(self, chapter: Chapter) -> bool:
        where = self._where()
        if not where:
            if chapter.starts_system:
                return False
            self._do("up")
            where = {"shape": SHAPES[0], "whereabouts": []}
        wanted = SHAPES.index(chapter.shape)
        under_way = any(module["phase"] not in SETTLED for module in where["whereabouts"])
        if under_way and SHAPES.index(where["shape"]) >= wanted:
            self._do("back", DWELL=DWELL)
        for _ in range(wanted, SHAPES.index(where["shape"])):
            self._do("back", DWELL=DWELL)
        self._do("diff", "--heal")
        if SHAPES.index(where["shape"]) < wanted:
            self._do("step", chapter.shape, DWELL=DWELL)
        return True

    def _where(self) -> dict[str, Any]:
        done = self.run("shape", "--json")
        found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return found

    def _do(self, *arguments: str, **environment: str) -> None:
        done = self.run(*arguments, **environment)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["it said nothing"]
            raise RuntimeFailure(f"`figtree {' '.join(arguments)}`: {said[-1]}")


class PageScreen:
    """The view #/presentation of the page. While there is no page, nobody sees anything, and nothing fails."""

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._client = httpx.Client(trust_env=False, timeout=SOON)
        self._invited = False

    def show(self, cue: dict[str, Any]) -> None:
        with contextlib.suppress(httpx.HTTPError, RuntimeFailure):
            self._ask("PUT", "/page/presentation", cue)

    def clear(self) -> None:
        with contextlib.suppress(httpx.HTTPError, RuntimeFailure):
            self._ask("DELETE", "/page/presentation")

    def users(self) -> str:
        try:
            if self._invited and self._ask("DELETE", "/page/jobs/load").is_success:
                self._invited = False
                return "the users are sent away"
            answer = self._ask("POST", "/page/load", {"rate": USERS, "seconds": STAY})
        except (httpx.HTTPError, RuntimeFailure) as problem:
            return f"no users: {problem}"
        self._invited = answer.is_success
        return f"{USERS} requests a second for {STAY // 60} minutes" if self._invited else answer.text.strip()

    def _ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> httpx.Response:
        page = urlsplit(self._address())
        key = parse_qs(page.query)["key"][0]
        url = f"{page.scheme}://{page.netloc}{path}"
        return self._client.request(
            method, url, params={"key": key}, headers={"x-figtree-token": key}, json=content
        )


class Quit(Exception):
    """The presentation ends here."""


@dataclass(slots=True)
class Presenter:
    """Goes through chapters by keys. `key` waits for one; errors of commands are shown and end nothing."""

    chapters: Sequence[Chapter]
    course: Sequence[Chapter]  # with those before: what they export is needed
    system: System
    screen: Screen
    shell: Shell
    key: Callable[[], str]
    ask: Callable[[str], str] = input
    _at: int = 0  # the chapter
    _next: int = 0  # the command, or behind the last: the question
    _last: Command | None = None
    _note: str = ""
    _ran: float = 0.0  # when the last command of the chapter began
    _begun: float = field(default_factory=time.monotonic)

    @property
    def _chapter(self) -> Chapter:
        return self.chapters[self._at]

    def present(self) -> None:
        """Until the last chapter is over, or somebody quits."""
        try:
            self._open(0)
            while True:
                self._offer()
                self._obey(self.key())
        except KeyboardInterrupt:
            console.print(styled("[dim]{}[/]", "the end: a command under way puts back what it changed"))
            raise
        except (Quit, EOFError):
            pass

    def _obey(self, key: str) -> None:
        match key:
            case "\r" | "\n" | " ":
                if self._next < len(self._chapter.commands):
                    self._next += 1
                    self._run(self._chapter.commands[self._next - 1])
                else:
                    self._open(self._at + 1)
            case "r" if self._last is not None:
                self._run(self._last)
            case "s" if self._next < len(self._chapter.commands):
                self._next += 1
            case "s":
                self._open(self._at + 1)
            case "b":
                self._next = max(0, self._next - 1)
            case "c":
                self._jump()
            case "x":
                self._open(self._at)
            case "p":
                self._pause()
            case "u":
                console.print(styled("[dim]{}[/]", self.screen.users()))
            case "q":
                raise Quit

    def _open(self, at: int) -> None:
        """The chapter's title and claim, while the system is brought into its shape."""
        if at >= len(self.chapters):
            raise Quit
        self._at, self._next, self._last, self._note, self._ran = at, 0, None, "", 0.0
        chapter = self._chapter
        console.print()
        console.print(Rule(styled("[bold]{} {}[/]", chapter.number, chapter.title)))
        console.print(styled("[bold]{}[/]", chapter.claim))
        self._show("opening", chapter.claim)
        begun = time.monotonic()
        try:
            with console.status(f"the system is brought into shape {chapter.shape}"):
                prepare(chapter, self.course, self.system, self.shell)
        except RuntimeFailure as failure:
            console.print(styled("[bold red]not in shape {}:[/] {}", chapter.shape, failure))
        else:
            console.print(styled("[dim]ready after {} s[/]", f"{time.monotonic() - begun:.1f}"))

    def _offer(self) -> None:
        """The next command and its note, or the question at the end."""
        chapter = self._chapter
        console.print()
        if self._next < len(chapter.commands):
            command = chapter.commands[self._next]
            if command.note != self._note:
                console.print(f"{command.note}\n")
            self._note = command.note
            console.print(styled("[bold]$ {}[/]", command.text))
            self._show("next", command.note or chapter.claim, command)
        else:
            console.print(styled("[bold]A question to try:[/] {}", chapter.question))
            self._show("question", chapter.question)
        minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
        clock = f"{minutes}:{seconds:02}"
        console.print(styled("[dim]{} · {}[/]", clock, KEYS))

    def _run(self, command: Command) -> None:
        self._last = command
        note = command.note or self._chapter.claim
        self._ran = time.time()
        self._show("running", note, command)
        status = self.shell.run(command.text)
        if status:
            console.print(styled("[bold red]exit status {}[/]", status))
        self._show("failed" if status else "done", note, command)

    def _jump(self) -> None:
        numbers = {str(chapter.number): at for at, chapter in enumerate(self.chapters)}
        for number, at in numbers.items():
            console.print(f"{number:>3}  {self.chapters[at].title}")
        answer = self.ask("chapter: ").strip()
        if answer in numbers:
            self._open(numbers[answer])
        elif answer:
            console.print(f"{answer!r} is not known: use one of {', '.join(numbers)}")

    def _pause(self) -> None:
        """The clock stands still meanwhile."""
        begun = time.monotonic()
        self._show("paused", "")
        console.print(styled("[bold]paused[/] [dim]· any key goes on[/]"))
        key = self.key()
        self._begun += time.monotonic() - begun
        if key == "q":
            raise Quit

    def _show(self, state: str, note: str, command: Command | None = None) -> None:
        self.screen.show(cue(self._chapter, state, note, command, self._ran))


def cue(
    chapter: Chapter, state: str, note: str, command: Command | None = None, begun: float = 0.0
) -> dict[str, Any]:
    """What the audience is shown; `begun` is when a command last began, in seconds since the epoch."""
    return {
        "chapter": chapter.number,
        "title": chapter.title,
        "figure": chapter.figure,
        "state": state,
        "note": note,
        "command": command.text if command else "",
        "begun": begun,
    }


def prepare(chapter: Chapter, course: Sequence[Chapter], system: System, shell: Shell) -> None:
    """Bring the system into the chapter's shape, and set in the shell what earlier chapters export.

    Raises RuntimeFailure.
    """
    if system.bring(chapter):
        before = itertools.takewhile(lambda one: one.number < chapter.number, course)
        for command in itertools.chain.from_iterable(one.exports for one in before):
            shell.run(command)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A chapter's seconds until it was ready, the seconds of its commands, and the commands that did not print what the
    page shows."""

    chapter: Chapter
    ready: float
    seconds: float
    different: tuple[str, ...]


def rehearse(
    chapters: Sequence[Chapter], course: Sequence[Chapter], system: System, screen: Screen, **environment: str
) -> Iterator[Rehearsed]:
    """Runs every command without keys, and compares what it prints with the page. Raises RuntimeFailure."""
    with recording(**environment) as shell:
        for chapter in chapters:
            console.print(styled("\n[bold]{} {}[/]", chapter.number, chapter.title))
            screen.show(cue(chapter, "opening", chapter.claim))
            begun = time.monotonic()
            prepare(chapter, course, system, shell)
            shell.record("true")  # past what the exports have said
            ready = time.monotonic()
            different = []
            for command in chapter.commands:
                console.print(styled("[bold]$ {}[/]", command.text), soft_wrap=True)
                note = command.note or chapter.claim
                screen.show(cue(chapter, "running", note, command, time.time()))
                output = shell.record(command.text)
                sys.stdout.write(output)
                sys.stdout.flush()
                if not command.is_seen_in(output):
                    different.append(command.text)
                    console.print(styled("[red]differs from what the page shows[/]"))
            yield Rehearsed(chapter, ready - begun, time.monotonic() - ready, tuple(different))


def choose_chapters(numbers: Sequence[int], course: Sequence[Chapter]) -> list[Chapter]:
    """Those that are named, in that order, or all. Raises typer.BadParameter."""
    by_number = {chapter.number: chapter for chapter in course}
    if unknown := [number for number in numbers if number not in by_number]:
        raise typer.BadParameter(f"there is no chapter {unknown[0]}: use numbers from 1 to {len(course)}")
    return [by_number[number] for number in numbers] or list(course)


def perform(numbers: Sequence[int], settings: Settings, *, rehearsed: bool) -> int:
    """Present or rehearse chapters; the exit status. Raises ValueError where there is no local mesh to show."""
    course = chapters()
    chosen = choose_chapters(numbers, course)
    if settings.runtime not in ("auto", "local") or settings.mesh == "off":
        raise ValueError(
            f"the course is shown on the local mesh, not with RUNTIME={settings.runtime} MESH={settings.mesh}:"
            " leave both out"
        )
    settings = settings.model_copy(update={"runtime": "local"})
    system = LocalSystem(RUNTIME="local")
    screen = PageScreen(lambda: asyncio.run(choose.connect(settings)).page())
    results: list[Rehearsed] = []
    try:
        if rehearsed:
            results.extend(rehearse(chosen, course, system, screen, RUNTIME="local"))
        else:
            with Shell(RUNTIME="local") as shell:
                Presenter(chosen, course, system, screen, shell, typer.getchar).present()
    finally:
        screen.clear()
        if results:
            print_rehearsal(results)
        shape = system.shape()
        console.print(
            f"the system is left as it is, in shape {shape}" if shape else "the system does not run"
        )
    return 1 if any(one.different for one in results) else 0


def print_rehearsal(rehearsed: Sequence[Rehearsed]) -> None:
    """A line for each chapter, and the sum."""
    shown = Table(
        Column("chapter", no_wrap=True),
        Column("ready after s", justify="right"),
        Column("commands s", justify="right"),
        Column("differ", justify="right"),
        Column("commands", justify="right"),
    )
    for one in rehearsed:
        shown.add_row(
            f"{one.chapter.number} {one.chapter.title}",
            f"{one.ready:.1f}",
            f"{one.seconds:.1f}",
            str(len(one.different)),
            str(len(one.chapter.commands)),
        )
    console.print()
    print_table(shown, 3)
    ready, seconds = sum(one.ready for one in rehearsed), sum(one.seconds for one in rehearsed)
    console.print(
        f"{len(rehearsed)} chapters, {ready + seconds:.0f} s: {ready:.0f} s until ready, {seconds:.0f} s of commands"
    )
