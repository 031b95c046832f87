"""A page does what it says: its commands run in one shell, and their output has the shape that it shows."""

import contextlib

from cli.course import commands
from cli.shell import ShellEnded, recording
from runtime.manifests import ROOT


def walk(*pages: str, last: str = "true", **environment: str) -> None:
    """Runs what stands in these pages of docs/, in one shell; `last` is run at the end in any case."""
    with recording(**{"DWELL": "0.3"} | environment) as shell:
        try:
            for command in commands("\n".join((ROOT / "docs" / page).read_text() for page in pages)):
                output = shell.record(command.text)
                assert command.is_seen_in(output), f"$ {command.text}\n{output}"
        finally:
            with contextlib.suppress(ShellEnded):
                shell.run(last)
