"""docs/course as a script: its chapters, their commands, and what stands on the page in front of each command."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from runtime.manifests import ROOT

COURSE = ROOT / "docs" / "course"
START = "figtree up"
# What the page of the dashboard can show large; demo/dashboard/web/src/figures.ts computes them.
FIGURES = ("services", "restarts", "failed", "refused", "canary", "latency")
# What a step waits for, and how often it says so, depends on the machine; these lines name no step.
WAITING = re.compile(r"^ *[\d.]+ s {10,}.*\n", re.MULTILINE)


@dataclass(slots=True)
class Command:
    """A command, the lines that its page shows below it, and the paragraph in front of its block as plain text."""

    text: str
    expected: list[str] = field(default_factory=list)
    note: str = ""

    def is_seen_in(self, output: str) -> bool:
        """Whether the output has the shape that the page shows."""
        output = WAITING.sub("", output)
        if output and not output.endswith("\n"):
            output += "\n"
        return shape(self.expected).match(output) is not None


@dataclass(frozen=True, slots=True)
class Chapter:
    """A page of the course. `shape` is where the system has to be before its first command."""

    number: int
    title: str
    shape: str
    figure: str
    claim: str
    commands: tuple[Command, ...]
    question: str

    @property
    def starts_system(self) -> bool:
        return any(command.text == START for command in self.commands)

    @property
    def exports(self) -> list[str]:
        """The commands that set a variable for later ones; the others need no repetition."""
        return [command.text for command in self.commands if command.text.startswith("export ")]


def commands(page: str) -> list[Command]:
    """The commands in the console blocks of a page in Markdown."""
    found: list[Command] = []
    for before, block in re.findall(r"(.*?)^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        note = before.strip().split("\n\n")[-1]
        note = "" if note.startswith(("#", "|", "!", "<", "`")) else plain(note)
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:], note=note))
            else:
                found[-1].expected.append(line)
    return found


def chapters(folder: Path = COURSE) -> list[Chapter]:
    """Every chapter, in the talk's order. Raises ValueError where a page is not of the course's form."""
    return [_read(path) for path in sorted(folder.glob("[0-9]*.md"))]


def _read(path: Path) -> Chapter:
    text = path.read_text()
    head = re.match(r"# (\d+) (.+)\n\n<!-- present: shape=(\S+) figure=(\S+) -->\n", text)
    if head is None:
        raise ValueError(
            f"{path} does not begin as a chapter: `# NUMBER TITLE`, an empty line,"
            " `<!-- present: shape=SHAPE figure=FIGURE -->`"
        )
    number, title, shape, figure = head.groups()
    part = parts(text)
    return Chapter(
        int(number),
        title,
        shape,
        figure,
        plain(part["The claim"]),
        tuple(commands(part["The command, and what you see"])),
        plain(part["A question to try"]),
    )


def parts(page: str) -> dict[str, str]:
    """The text of each part of a page by its heading."""
    found = re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], (text.strip() for text in found[1::2]), strict=True))


def plain(markdown: str) -> str:
    """Markdown as one line of text: without links, pictures and emphasis; code keeps its backticks."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", markdown)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return " ".join(text.replace("**", "").split())


def shape(lines: list[str]) -> re.Pattern[str]:
    """A line that is only … stands for any number of lines, … within a line for anything in it."""
    parts = []
    for line in lines:
        if line == "…":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append("[^\n]*?".join(map(re.escape, line.split("…"))) + r"[ ]*\n")
    return re.compile("".join(parts) + r"\Z")
