"""A page does what it says: its commands run in one shell, and their output has the shape that it shows."""

import asyncio
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
END = "--figtree-end-of-output--"
# What a step waits for, and how often it says so, depends on the machine; these lines name no step.
WAITING = re.compile(r"^ *[\d.]+ s {10,}.*\n", re.MULTILINE)


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


async def walk(*pages: str, last: str = "true", **environment: str) -> None:
    """Runs what stands in these pages of docs/, in one shell; `last` is run at the end in any case."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = os.environ | {"DWELL": "0.3", "COLUMNS": "200", "PATH": path} | environment
    shell = await asyncio.create_subprocess_exec(
        "bash",
        cwd=ROOT,
        env=env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2**24,
    )
    assert shell.stdin is not None
    assert shell.stdout is not None
    try:
        for command in commands("\n".join((ROOT / "docs" / page).read_text() for page in pages)):
            shell.stdin.write(f"{command.text}\necho {END}\n".encode())
            output = (await shell.stdout.readuntil(f"{END}\n".encode())).decode().removesuffix(f"{END}\n")
            output = WAITING.sub("", output)
            if output and not output.endswith("\n"):
                output += "\n"
            assert shape(command.expected).match(output), f"$ {command.text}\n{output}"
    finally:
        shell.stdin.write(f"{last}; exit\n".encode())
        await shell.communicate()
