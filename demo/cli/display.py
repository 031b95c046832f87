"""What the command shows: lines where nobody watches, a live line where somebody does, and a table at the end."""

import json
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

from loadtests.control import Stats
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from cli.journey import Outcome

# Where nobody watches, the width is that of the table, not of a terminal.
# Text is printed as it is, brackets and colons included; only `styled` reads markup, and only in its template.
console = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 150)
errors = Console(stderr=True, highlight=False, markup=False, emoji=False)


def styled(template: str, *values: object) -> Text:
    """Rich's markup in `template`, with each {} replaced by a value that is printed as it is."""
    return Text.from_markup(template.format(*(escape(str(value)) for value in values)), emoji=False)


def print_table(table: Table, least: int) -> None:
    """Prints the columns that the terminal has room for, from the left and at least `least`, and names the others."""
    left_out: list[str] = []
    while len(table.columns) > least and _narrowest(table) > console.width:
        left_out.insert(0, str(table.columns.pop().header))
    console.print(table)
    if left_out:
        console.print(styled("[dim]too narrow for: {}[/]", ", ".join(left_out)))


def _narrowest(table: Table) -> int:
    return Measurement.get(console, console.options.update(max_width=1000), table).minimum


class Lines:
    """One line per phase, with the seconds since the beginning; below them, on a terminal, what the users see now."""

    def __init__(self) -> None:
        self.since = time.time()
        self._begun = time.monotonic()
        self._status = console.status("") if console.is_terminal else None

    def _stamp(self) -> str:
        return f"{time.monotonic() - self._begun:6.1f} s"

    def phase(self, step: str, text: str) -> None:
        console.print(styled("[dim]{}[/]  [bold]{}[/] {}", self._stamp(), f"{step:<13}", text))

    def users(self, seen: Stats | None) -> None:
        """Show the users' figures so far; None ends it."""
        if self._status is None:
            return
        if seen is None:
            self._status.stop()
            return
        bad = seen.failures + seen.wrong
        self._status.update(
            styled(
                "[dim]{}[/]  {} requests, [" + ("red" if bad else "green") + "]{} failed, {} wrong[/], {}",
                self._stamp(),
                f"{seen.requests:,}",
                seen.failures,
                seen.wrong,
                f"p50 {seen.p50:.1f} ms, p99 {seen.p99:.1f} ms, {seen.orders_placed:,} orders",
            )
        )
        self._status.start()

    def note(self, text: str) -> None:
        console.print(styled("[dim]{}[/]  {}", self._stamp(), text), soft_wrap=True)


def table(outcome: Outcome) -> Table:
    shown = Table(title="The journey, as its users saw it", header_style="bold")
    for name in ("step", "way"):
        shown.add_column(name, no_wrap=True)
    for name in (
        "requests",
        "failed",
        "wrong",
        "p50 ms",
        "p99 ms",
        "orders",
        "rows moved",
        "mirrored",
        "differ",
        "writers held ms",
        "seconds",
    ):
        shown.add_column(name, justify="right", no_wrap=True)
    for row in outcome.rows:
        shown.add_row(
            row.step,
            row.direction,
            f"{row.requests:,}",
            _count(row.failures),
            _count(row.wrong),
            f"{row.p50:.1f}",
            f"{row.p99:.1f}",
            f"{row.orders:,}",
            f"{row.rows:,}" if row.rows else "",
            f"{row.pairs:,}" if row.pairs else "",
            _count(row.mismatches) if row.pairs else "",
            f"{row.pause * 1000:.0f}" if row.pause else "",
            f"{row.seconds:.1f}",
        )
    return shown


def verdict(outcome: Outcome) -> Text:
    colour = "green" if outcome.holds else "red"
    word = "holds" if outcome.holds else "DOES NOT HOLD"
    lines: list[str | Text] = [
        f"{outcome.requests:,} requests at {outcome.rate:.0f}/s: {outcome.failures} failed, {outcome.wrong} wrong; "
        f"{outcome.streams_resumed} streams resumed",
        f"{outcome.placed:,} orders placed, {outcome.stored:,} stored: {len(outcome.lost)} lost, "
        f"{len(outcome.doubled)} doubled, {len(outcome.different)} different, {len(outcome.unexpected)} unexpected",
        *(styled("[red]{}[/]", problem) for problem in outcome.problems),
        styled(f"[bold {colour}]The journey {word}.[/]"),
    ]
    return Text("\n").join(Text(line) if isinstance(line, str) else line for line in lines)


def failures(details: Iterable[Mapping[str, Any]], since: float) -> Table:
    """The first failures of a load: how many of each kind, in which seconds after `since`, and one example."""
    kinds: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in details:
        kinds.setdefault((one["name"], one["message"]), []).append(one)
    shown = Table(box=SIMPLE, title="the first failures")
    for column in ("count", "seconds", "request", "what happened", "for example"):
        shown.add_column(column)
    for (name, message), alike in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
        first, last = (f"{when(one['at'] for one in alike) - since:.1f}" for when in (min, max))
        seconds = first if first == last else f"{first} to {last}"
        shown.add_row(*map(Text, (str(len(alike)), seconds, name, message, _example(alike[0]))))
    return shown


def _example(failure: Mapping[str, Any]) -> str:
    asked = f"{failure['method']} {failure['path']} → {failure['status'] or 'no answer'}"
    try:
        return f"{asked}: {json.loads(failure['body'])['detail']}"
    except (ValueError, LookupError, TypeError):  # no problem of the application's (RFC 9457)
        return asked


def overload(details: Iterable[Mapping[str, Any]], rate: float) -> str:
    """What to do if answers 429 are among the failures, at so many requests a second; else ""."""
    statuses = [one["status"] for one in details]
    if 429 not in statuses:
        return ""
    return (
        f"{statuses.count(429)} of the first {len(statuses)} failures are answers 429: beside the migration this"
        f" machine does not carry {rate:g} requests a second."
        f" End what else is busy, or ask for fewer: LOAD={rate / 2:.0f} make demo"
    )


def _count(number: int) -> Text:
    return Text(str(number), style="bold red" if number else "")
