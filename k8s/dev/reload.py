"""Runs its arguments as a command, and again whenever a file under /app/sources changes: for `skaffold dev` only."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SOURCES = Path("/app/sources")


def stamp() -> int:
    return max((path.stat().st_mtime_ns for path in SOURCES.rglob("*.py")), default=0)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # SystemExit passes the finally below
    packages = os.pathsep.join(sorted({str(path.parents[1]) for path in SOURCES.glob("*/*/__init__.py")}))
    while True:
        seen = stamp()
        process = subprocess.Popen(sys.argv[1:], env=os.environ | {"PYTHONPATH": packages})
        try:
            while process.poll() is None and stamp() == seen:
                time.sleep(0.5)
        finally:
            process.terminate()
            process.wait()
        if stamp() == seen:  # it has ended by itself
            return process.returncode


if __name__ == "__main__":
    sys.exit(main())
