"""A headless run in this process."""

import os
import resource
import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gevent
import gevent.event
from locust.env import Environment

from loadtests.auditor import Auditor
from loadtests.bulk import BulkBuyer
from loadtests.buyers import Buyer, Watcher
from loadtests.client import TIMEOUT, Scripted, Shared
from loadtests.history import History
from loadtests.ledger import Ledger
from loadtests.recorder import Recorder
from loadtests.reference import capture
from loadtests.stream import RESUMED
from loadtests.users import Browser, Quoter
from loadtests.verdict import Verdict

USERS = [Browser, Quoter, Buyer, BulkBuyer, Watcher]


@dataclass(frozen=True, slots=True)
class Options:
    host: str
    rate: int = 120
    seconds: float | None = None
    seed: int = 1
    feed: Path | None = None
    ledger: Path | None = None
    failures: Path | None = None
    history: Path | None = None
    with_parent: bool = False


def prepare(environment: Environment, options: Options) -> tuple[Shared, Callable[[], None]]:
    """Captures the reference and counts the requests until closed. Raises OSError or ValueError without a server."""
    shared = Shared(
        capture(options.host),
        Ledger(options.ledger, f"load-{uuid.uuid4().hex[:12]}"),
        Recorder(options.feed, options.failures),
        History(options.history),
        options.seed,
    )
    Scripted.shared = shared

    def count(name: str, response_time: float, exception: BaseException | None, **_: object) -> None:
        shared.recorder.request(name, None if name == RESUMED else response_time, exception)

    environment.events.request.add_listener(count)
    ticking = gevent.spawn(shared.recorder.every_second, gevent.sleep)

    def stop(**_: object) -> None:
        shared.stopping = True

    environment.events.test_stopping.add_listener(stop)

    def close() -> None:
        environment.events.test_stopping.remove_listener(stop)
        environment.events.request.remove_listener(count)
        ticking.kill()
        shared.ledger.close()
        shared.history.close()
        shared.recorder.close()

    return shared, close


def run(options: Options) -> Verdict:
    users = [*USERS, Auditor] if options.history else USERS
    environment = Environment(user_classes=list(users), host=options.host, stop_timeout=TIMEOUT + 5)
    stop = gevent.event.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)
    shared, close = prepare(environment, options)
    runner = environment.create_local_runner()
    started, cpu = time.monotonic(), _cpu()
    runner.start(options.rate, spawn_rate=min(options.rate, 100))
    _wait(stop, options)
    seconds = time.monotonic() - started
    runner.quit()  # every request under way is finished first
    used = 100 * (_cpu() - cpu) / (time.monotonic() - started)
    close()
    return verdict(shared, seconds, used)


def _wait(stop: gevent.event.Event, options: Options) -> None:
    until = time.monotonic() + options.seconds if options.seconds else None
    parent = os.getppid()
    while not stop.is_set():
        left = until - time.monotonic() if until else 1.0
        if left <= 0 or (options.with_parent and os.getppid() != parent):
            return
        stop.wait(min(left, 1.0))


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def verdict(shared: Shared, seconds: float, cpu_percent: float) -> Verdict:
    total = shared.recorder.total
    report = total.report()
    return Verdict(
        seconds=round(seconds, 2),
        requests=total.sums.requests,
        failures=total.sums.failures,
        wrong=total.sums.wrong,
        orders_placed=total.orders_placed,
        orders_unknown=shared.ledger.unknown,
        streams_resumed=total.streams_resumed,
        cpu_percent=round(cpu_percent, 1),
        times=dict(sorted(total.times.items())),
        by_name=report["by_name"],
        details=shared.recorder.details,
    )
