"""Runs a command on a machine of `machines.py`, and writes its row into docs/machines.md.

`python -m tests.machines.trials [WORD...]` tries `make up`, one step, the load and `make down` on each machine, or on
those whose names have one of the words, in some 20 minutes.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from localmesh.cache import cache_folder

from tests.machines.machines import MACHINES, Machine, copied, path_without

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "machines.md"
MARK = "<!-- written by python -m tests.machines.trials -->\n"
LIMIT = 600


@dataclass(frozen=True, slots=True)
class Outcome:
    status: int
    output: str
    seconds: float

    def last(self) -> str:
        """The last line that is not make's own."""
        lines = [line for line in self.output.splitlines() if line.strip() and not line.startswith("make")]
        return lines[-1] if lines else ""


def on(machine: Machine, command: list[str], limit: float = LIMIT) -> Outcome:
    """Run it there, in the checkout or in its copy."""
    with tempfile.TemporaryDirectory(prefix="figtree-machine-", dir="/var/tmp") as name:
        place = Path(name)
        place.chmod(0o755)
        for folder in ("cache", "empty"):
            (place / folder).mkdir()
        checkout = copied(ROOT, place / machine.folder) if machine.folder else ROOT
        kept = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "GOPROXY")
        env = {key: os.environ[key] for key in kept if key in os.environ}
        env |= {"RUNTIME": "local", "FIGTREE_NAME": f"machine-{os.getpid()}", "DWELL": "0.2"}
        if machine.without:
            env["PATH"] = path_without(machine.without, place)
        if machine.older:
            (place / "older").mkdir()
            for program, said in machine.older.items():
                (place / "older" / program).write_text(f"#!/bin/sh\necho '{said}'\n")
                (place / "older" / program).chmod(0o755)
            env["PATH"] = f"{place}/older:{env['PATH']}"
        if machine.python:
            (place / "python").mkdir()
            (place / "python" / "python3").symlink_to(machine.python)
            env["PATH"] = f"{place}/python:{path_without(('python3', 'python3.11'), place)}"
        for key, value in machine.environment.items():
            env.pop(key, None)
            if value is not None:
                env[key] = value.format(cache=place / "cache", empty=place / "empty")
        before = machine.before
        if machine.user:
            env["HOME"] = str(place / "empty")
            _own(place, machine.user)
            before = ("setpriv", f"--reuid={machine.user}", f"--regid={machine.user}", "--clear-groups")
        begun = time.monotonic()
        done = subprocess.run(
            [*before, *command],
            cwd=checkout,
            env=env,
            umask=machine.umask,
            timeout=limit,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return Outcome(done.returncode, done.stdout, time.monotonic() - begun)


def is_expected(machine: Machine, outcome: Outcome) -> bool:
    if machine.refused:
        return outcome.status != 0 and bool(re.search(machine.refused, outcome.last()))
    return outcome.status == 0


RUN = """
set -e
make up
.venv/bin/figtree step 1-currency
.venv/bin/figtree load --seconds 3 --rate 40
make down
"""


def row(machine: Machine, tell: Callable[[str], None]) -> tuple[str, bool]:
    """For the table; whether it is as expected."""
    if not machine.can_be_had():
        return f"| {machine.name} | – | not tried: cannot be had here | | {_today()} |\n", True
    refused = bool(machine.refused)
    look = ["make", "machine", "MAKECMDGOALS=up"]
    command = ["make", "up"] if refused else ["bash", "-c", RUN] if machine.whole else look
    users = [machine, *([replace(machine, user=machine.beside)] if machine.beside else [])]
    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(lambda user: on(user, command), users))
    outcome = next((one for one in outcomes if not is_expected(machine, one)), outcomes[0])
    good = is_expected(machine, outcome)
    said = re.sub(r"/var/tmp/figtree-machine-\w+/empty", "~", outcome.last().removeprefix("[machine] "))
    said = said.replace("|", "\\|")
    works = "works, network private" if "network private" in outcome.output else "works"
    what = "refused: " + said if refused else works if good else "**fails**: " + said
    if not good:
        tell(outcome.output[-2000:])
    tell(f"{'as expected' if good else 'NOT AS EXPECTED'}: {machine.name}: {what}")
    shown = (
        "`make up`"
        if refused
        else "`make up`, a step, the load, `make down`"
        if machine.whole
        else "the check"
    )
    return f"| {machine.name} | {shown} | {what} | {outcome.seconds:.0f} | {_today()} |\n", good


def _today() -> str:
    return date.today().isoformat()  # noqa: DTZ011


def written(page: str, rows: Mapping[str, str]) -> str:
    """The page with these rows by machine; those of other machines that there still are stay as they are."""
    text, _, table = page.partition(MARK)
    known = {
        line.split(" | ")[0].removeprefix("| "): line + "\n"
        for line in table.splitlines()
        if line[:2] == "| "
    }
    known |= rows
    head = "| machine | command | result | s | tried on |\n| --- | --- | --- | ---: | --- |\n"
    return f"{text}{MARK}\n{head}{''.join(known[m.name] for m in MACHINES if m.name in known)}"


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _own(place: Path, user: str) -> None:
    """The user's own home, with what root has compiled."""
    for folder in cache_folder().glob("istio-*"):
        shutil.copytree(folder, place / "empty" / ".cache" / "figtree" / folder.name)
    for path in (place, *place.rglob("*")):
        if not path.is_symlink():
            shutil.chown(path, user, user)


def main() -> int:
    good, wanted = True, sys.argv[1:]
    for machine in MACHINES:
        if not wanted or any(word in machine.name for word in wanted):
            text, as_expected = row(machine, _tell)
            good = good and as_expected
            TABLE.write_text(written(TABLE.read_text(), {machine.name: text}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
