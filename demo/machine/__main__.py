"""The look that make begins with.

python3 -m machine [--under PID] TARGET...   before these targets of the Makefile; PID is make's
python3 -m machine --python    print the Python that .venv is made with, or the version that uv brings
python3 -m machine --uv PATH   put uv there
"""

import os
import signal
import sys
from typing import List

from machine import compiling, fetches, pythons, report, uv
from machine.folders import ROOT


def main(arguments: List[str]) -> int:
    if arguments[:1] == ["--python"]:
        python, problem = pythons.chosen()
        print(python.path if python else "")
        if problem is not None:
            say(f"error: {problem}")
        return 1 if problem else 0
    if arguments[:1] == ["--uv"]:
        try:
            python, _ = pythons.chosen()
            own = sys.executable if python is None or python.brought else python.path
            uv.bring(arguments[1], os.path.join(ROOT, "uv.lock"), own)
        except OSError as error:
            say(f"error: {error}")
            return 1
        return 0
    if arguments[:1] == ["--compile"]:
        compiling.ahead(int(arguments[1]))
        return 0
    make = 0
    if arguments[:1] == ["--under"]:
        make, arguments = int(arguments[1]), arguments[2:]
    starting = [target for target in arguments if target in report.RUNNING]
    if not starting and fetches.installed():
        return 0  # make down, make help: nothing is installed and nothing is started
    look = report.look(starting[0] if starting else "setup")
    for line in look.lines:
        say(line)
    say(report.verdict(look.problems))
    if make and look.compiles and not look.problems:
        compiling.begin(make)
    return 1 if look.problems else 0


def say(line: str) -> None:
    sys.stderr.write(f"[machine] {line}\n")


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
