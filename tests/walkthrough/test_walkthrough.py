"""docs/walkthrough.md does what it says: its commands run in one shell, and their output has the shape it shows."""

import asyncio
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
END = "--figtree-end-of-output--"


@dataclass(slots=True)
class Command:
    text: str
    expected: list[str] = field(default_factory=list)


def commands(page: str) -> list[Command]:
    found: list[Command] = []
    for block in re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:]))
            else:
                found[-1].expected.append(line)
    return found


def shape(lines: list[str]) -> re.Pattern[str]:
    """A line that is only … stands for any number of lines, … within a line for anything in it."""
    parts = []
    for line in lines:
        if line == "…":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append("[^\n]*?".join(map(re.escape, line.split("…"))) + r"[ ]*\n")
    return re.compile("".join(parts) + r"\Z")


def test_the_shape_of_an_output_is_strict_about_everything_but_ellipses() -> None:
    expected = shape(["…", "shape 1-… is reached", "end"])
    assert expected.match("a\nb\nshape 1-currency is reached\nend\n")
    assert expected.match("shape 1-x is reached\nend\n")
    assert not expected.match("shape 2-title is reached\nend\n")
    assert not expected.match("shape 1-x is reached\nend\nmore\n")


@pytest.mark.scenes
@pytest.mark.timeout(900)
async def test_every_command_of_the_walkthrough_prints_what_the_page_shows() -> None:
    env = os.environ | {
        "FIGTREE_NAME": f"walk-{os.getpid()}",
        "RUNTIME": "local",
        "DWELL": "0.3",
        "COLUMNS": "200",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    shell = await asyncio.create_subprocess_exec(
        "bash", cwd=ROOT, env=env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, limit=2**24,
    )  # fmt: skip
    assert shell.stdin is not None
    assert shell.stdout is not None
    try:
        for command in commands((ROOT / "docs" / "walkthrough.md").read_text()):
            shell.stdin.write(f"{command.text}\necho {END}\n".encode())
            output = (await shell.stdout.readuntil(f"{END}\n".encode())).decode().removesuffix(f"{END}\n")
            if output and not output.endswith("\n"):
                output += "\n"
            assert shape(command.expected).match(output), f"$ {command.text}\n{output}"
    finally:
        shell.stdin.write(b"figtree down 2>/dev/null; exit\n")
        await shell.communicate()
