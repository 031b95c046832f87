"""The load under the locust command: users, shape and limits. `make load` and `make load-ui` start it.

LOAD is the number of users, which is that of requests a second; SHAPE, DURATION, LIMITS, TRANSPORT, GRPC and LATE say
the rest: loadtests/README.md.
"""

import os
import sys
from pathlib import Path
from typing import Any

from loadtests.bulk import BulkBuyer
from loadtests.buyers import Buyer, Watcher
from loadtests.limits import parse, shortfalls
from loadtests.run import Options, prepare
from loadtests.users import Browser, Quoter
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner

__all__ = ["Browser", "BulkBuyer", "Buyer", "Quoter", "Watcher"]

LIMITS = parse(os.environ.get("LIMITS") or "failed<=0 wrong<=0")

if os.environ.get("SHAPE"):
    from loadtests.shapes import Shape  # noqa: F401

if (TRANSPORT := os.environ.get("TRANSPORT") or "rest") != "rest":
    from loadtests.rpc_users import RpcBrowser, RpcBulkBuyer, RpcBuyer, RpcQuoter, RpcWatcher  # noqa: F401

    del Browser, Quoter, Buyer, BulkBuyer, Watcher  # Locust takes the users that it finds here


def _path(name: str) -> Path | None:
    """Workers that share a machine do not share a file."""
    value = os.environ.get(f"FIGTREE_LOAD_{name}")
    return Path(value) if value else None


@events.test_start.add_listener
def start(environment: Environment, **_: object) -> None:
    if isinstance(environment.runner, MasterRunner):
        return  # its workers send
    options = Options(
        host=environment.host or "",
        seed=int(os.environ.get("SEED") or "1"),
        feed=_path("FEED"),
        ledger=_path("LEDGER"),
        failures=_path("FAILURES"),
    )
    __, close = prepare(environment, options)
    environment.events.test_stop.add_listener(lambda **_: close())


def figures(environment: Environment) -> dict[str, float]:
    total = environment.stats.total
    wrong = sum(e.occurrences for e in environment.stats.errors.values() if "Wrong" in str(e.error))
    failed = total.num_failures - wrong
    return {
        **{f"p{p}": total.get_response_time_percentile(p / 100) or 0 for p in (50, 95, 99)},
        "max": total.max_response_time,
        "failed": failed,
        "wrong": wrong,
        "rps": total.total_rps,
        "failed_percent": 100 * failed / max(1, total.num_requests),
    }


@events.quitting.add_listener
def judge(environment: Environment, **_: object) -> None:
    if environment.parsed_options is not None and environment.parsed_options.worker:
        return
    if not environment.stats.total.num_requests:
        environment.process_exit_code = 1
        return
    found = figures(environment)
    broken_on_purpose = getattr(environment.shape_class, "name", "") == "steps"
    if broken_on_purpose:
        shape: Any = environment.shape_class
        sys.stdout.write(
            f"[load] held {shape.held} requests a second; then {shape.broke or 'it was stopped'}\n"
        )
    short = shortfalls([one for one in LIMITS if not broken_on_purpose or one.figure == "wrong"], found)
    sys.stdout.write("[load] " + "  ".join(f"{name} {value:g}" for name, value in found.items()) + "\n")
    for text in short:
        sys.stdout.write(f"[load] fell short: {text}\n")
    environment.process_exit_code = 1 if short else 0
