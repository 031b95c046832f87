"""The load without a user interface: a JSON verdict, and exit status 1 if anything was amiss."""

import argparse
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

from loadtests.verdict import Verdict, merged


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests", description=__doc__)
    parser.add_argument("--host", required=True, help="http://127.0.0.1:8080")
    parser.add_argument(
        "--rate", type=int, default=int(os.environ.get("LOAD") or 120), help="requests a second"
    )
    parser.add_argument("--seconds", type=float, help="without it, until SIGINT or SIGTERM")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "1")))
    parser.add_argument(
        "--feed", type=Path, default=_path("FIGTREE_LOAD_FEED"), help="a JSON line each second"
    )
    parser.add_argument(
        "--ledger", type=Path, default=_path("FIGTREE_LOAD_LEDGER"), help="every order placed"
    )
    parser.add_argument(
        "--failures", type=Path, default=_path("FIGTREE_LOAD_FAILURES"), help="the first failures"
    )
    parser.add_argument(
        "--history", type=Path, help="begin and end of every call of an order, for loadtests.history"
    )
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--with-parent", action="store_true", help="stop when the starting process is gone")
    return parser.parse_args()


def _path(variable: str) -> Path | None:
    return Path(os.environ[variable]) if os.environ.get(variable) else None


def main() -> int:
    given = arguments()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    try:
        verdict = one(given) if given.processes == 1 else several(given)
    except (OSError, ValueError) as error:
        print(json.dumps({"ok": False, "error": f"{given.host} does not answer as it should: {error}"}))
        return 2
    print(json.dumps(verdict.report(), ensure_ascii=False))
    return 0 if verdict.ok else 1


def one(given: argparse.Namespace) -> Verdict:
    options = vars(given)
    del options["processes"]
    from loadtests.run import Options, run  # gevent patches on import, and only a process that sends needs it

    return run(Options(**options))


def several(given: argparse.Namespace) -> Verdict:
    """The rate and the seeds are divided; all append to the same files, a line at a time."""
    children = []
    for number in range(given.processes):
        rate = given.rate // given.processes + (number < given.rate % given.processes)
        command = [sys.executable, "-m", "loadtests", "--host", given.host, "--with-parent"]
        command += ["--rate", str(rate), "--seed", str(given.seed * 1000 + number)]
        for name in ("seconds", "feed", "ledger", "failures", "history"):
            if (value := getattr(given, name)) is not None:
                command += [f"--{name}", str(value)]
        children.append(subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True))

    def forward(number: int, _: object) -> None:
        for child in children:
            child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forward)
    reports = [json.loads(child.communicate()[0]) for child in children]
    if errors := [report["error"] for report in reports if "error" in report]:
        raise ValueError(errors[0])
    return merged([Verdict.from_report(report) for report in reports])


if __name__ == "__main__":
    sys.exit(main())
