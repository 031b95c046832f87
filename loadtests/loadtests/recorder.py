"""Counts requests by the second, writes the feed, and keeps the details of the first failures."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.answer import Wrong
from loadtests.histogram import bucket, percentile
from loadtests.jsonlines import Lines

DETAILS = 20


@dataclass(slots=True)
class Count:
    requests: int = 0
    failures: int = 0
    wrong: int = 0


@dataclass(slots=True)
class Span:
    """What happened in one second, or in the whole run."""

    sums: Count = field(default_factory=Count)
    by_name: dict[str, Count] = field(default_factory=dict)
    times: Counter[int] = field(default_factory=Counter)
    orders_placed: int = 0
    streams_resumed: int = 0

    def report(self) -> dict[str, Any]:
        return {
            **_plain(self.sums),
            "by_name": {name: _plain(count) for name, count in sorted(self.by_name.items())},
            "p50": percentile(self.times, 50),
            "p95": percentile(self.times, 95),
            "p99": percentile(self.times, 99),
            "orders_placed": self.orders_placed,
            "streams_resumed": self.streams_resumed,
        }


def _plain(count: Count) -> dict[str, int]:
    return {"requests": count.requests, "failures": count.failures, "wrong": count.wrong}


class Recorder:
    def __init__(self, feed: Path | None = None, failures: Path | None = None) -> None:
        self.total = Span()
        self.details: list[dict[str, object]] = []
        self._second = Span()
        self._since = time.time()
        self._feed, self._failures = Lines(feed), Lines(failures)

    def request(self, name: str, milliseconds: float | None, error: BaseException | None) -> None:
        """Without milliseconds where the time says nothing of the speed."""
        for span in (self._second, self.total):
            if milliseconds is not None:
                span.times[bucket(milliseconds)] += 1
            for count in (span.sums, span.by_name.setdefault(name, Count())):
                count.requests += 1
                if isinstance(error, Wrong):
                    count.wrong += 1
                elif error is not None:
                    count.failures += 1

    def order_placed(self) -> None:
        self._second.orders_placed += 1
        self.total.orders_placed += 1

    def stream_resumed(self) -> None:
        self._second.streams_resumed += 1
        self.total.streams_resumed += 1

    def detail(
        self, name: str, method: str, path: str, status: int, error: BaseException, body: bytes
    ) -> None:
        if len(self.details) >= DETAILS:
            return
        entry = {
            "at": round(time.time(), 3),
            "name": name,
            "method": method,
            "path": path,
            "status": status,
            "kind": "wrong" if isinstance(error, Wrong) else "failed",
            "message": str(error) or type(error).__name__,
            "body": body[:400].decode("utf-8", "replace"),
        }
        self.details.append(entry)
        self._failures.write(entry)

    def tick(self) -> None:
        """Ends a second: one line of the feed."""
        now = time.time()
        second, self._second = self._second, Span()
        if second.sums.requests or now - self._since > 0.5:
            rps = round(second.sums.requests / (now - self._since), 1) if now > self._since else 0.0
            line = {"at": round(now, 3), **second.report(), "rps": rps, "times": second.times}
            self._feed.write(line)
        self._since = now

    def every_second(self, sleep: Callable[[float], object]) -> None:
        while True:
            sleep(1 - time.time() % 1)
            self.tick()

    def close(self) -> None:
        self.tick()
        self._feed.close()
        self._failures.close()
