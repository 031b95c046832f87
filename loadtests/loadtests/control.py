"""Starts, reads and stops a load from another program. Knows neither Locust nor gevent."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.histogram import percentile
from loadtests.verdict import Verdict

Line = dict[str, Any]


class LoadError(Exception):
    """The load did not start, or died."""


@dataclass(frozen=True, slots=True)
class Stats:
    requests: int
    failures: int
    wrong: int
    p50: float  # milliseconds
    p99: float
    orders_placed: int
    streams_resumed: int


def stats(lines: Iterable[Line]) -> Stats:
    sums: Counter[str] = Counter()
    times: Counter[int] = Counter()
    for line in lines:
        for name in ("requests", "failures", "wrong", "orders_placed", "streams_resumed"):
            sums[name] += line[name]
        times.update({int(bucket): count for bucket, count in line["times"].items()})
    return Stats(
        requests=sums["requests"],
        failures=sums["failures"],
        wrong=sums["wrong"],
        p50=percentile(times, 50),
        p99=percentile(times, 99),
        orders_placed=sums["orders_placed"],
        streams_resumed=sums["streams_resumed"],
    )


class Feed:
    """The lines of a feed, as far as it is written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._lines: list[Line] = []

    def lines(self) -> list[Line]:
        if self._path.exists():
            with self._path.open("rb") as feed:
                feed.seek(self._offset)
                *whole, _ = feed.read().split(b"\n")
            self._offset += sum(len(line) + 1 for line in whole)
            self._lines += map(json.loads, whole)
        return self._lines


class Load:
    """One load at a time; its files stay in the directory."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def start(
        self, host: str, rate: int, seed: int, directory: Path, patience: float = 30, *, history: bool = False
    ) -> None:
        """Returns when the load has been running for a second. Raises LoadError.

        With `history` auditors join the users, and every call of an order is written down.
        """
        directory.mkdir(parents=True, exist_ok=True)
        self.feed, self.ledger = directory / "feed.jsonl", directory / "ledger.jsonl"
        self.failures, self.log = directory / "failures.jsonl", directory / "load.log"
        self.history = directory / "history.jsonl"
        for path in (self.feed, self.ledger, self.failures, self.history):
            path.unlink(missing_ok=True)
        self._feed = Feed(self.feed)
        command = [sys.executable, "-m", "loadtests", "--with-parent", "--host", host, "--rate", str(rate)]
        command += ["--seed", str(seed), "--feed", str(self.feed), "--ledger", str(self.ledger)]
        command += ["--failures", str(self.failures)]
        command += ["--history", str(self.history)] if history else []
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        until = time.monotonic() + patience
        while not self._feed.lines():
            if self._process.poll() is not None or time.monotonic() > until:
                raise LoadError(self._last_words())
            time.sleep(0.05)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stats_between(self, since: float, until: float) -> Stats:
        """Of the seconds that ended after `since` and not after `until` (time.time())."""
        return stats(line for line in self._feed.lines() if since < line["at"] <= until)

    def lines(self) -> list[Line]:
        """One for each second."""
        return self._feed.lines()

    def totals(self) -> Stats:
        return stats(self._feed.lines())

    def stop(self, patience: float = 45) -> Verdict:
        """Lets the requests under way finish. Raises LoadError if the load had died or does not end."""
        if self._process is None:
            raise LoadError("the load was not started")
        process = self._process
        if process.poll() is None:
            process.terminate()
        try:
            output, _ = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise LoadError(f"the load did not stop within {patience} s") from None
        finally:
            self._process = None
        try:
            return Verdict.from_report(json.loads(output))
        except (ValueError, KeyError):
            raise LoadError(self._reason(output)) from None

    def _last_words(self) -> str:
        process, self._process = self._process, None
        assert process
        process.kill()
        output, _ = process.communicate()
        return self._reason(output)

    def _reason(self, output: str) -> str:
        """Why there is no verdict: what the load printed, as a sentence if it is one, else the end of its log."""
        try:
            return str(json.loads(output)["error"])
        except (ValueError, LookupError, TypeError):
            return output.strip() or self.log.read_text()[-2000:] or "the load did not start in time"
