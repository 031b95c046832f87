"""The same load under the locust command: locust -f loadtests/locustfile.py --host URL -u 120

Every user makes one request a second, so the number of users is the rate.
"""

import os
from pathlib import Path
from typing import Any

from loadtests.bulk import BulkBuyer
from loadtests.buyers import Buyer, Watcher
from loadtests.run import Options, prepare
from loadtests.users import Browser, Quoter
from locust import events
from locust.env import Environment

__all__ = ["Browser", "BulkBuyer", "Buyer", "Quoter", "Watcher"]


def _path(name: str) -> Path | None:
    value = os.environ.get(f"FIGTREE_LOAD_{name}")
    return Path(value) if value else None


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def start(environment: Environment, **_: Any) -> None:
    options = Options(
        host=environment.host or "",
        seed=int(os.environ.get("SEED", "1")),
        feed=_path("FEED"),
        ledger=_path("LEDGER"),
        failures=_path("FAILURES"),
    )
    __, close = prepare(environment, options)
    environment.events.test_stop.add_listener(lambda **_: close())  # type: ignore[no-untyped-call]
