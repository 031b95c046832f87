"""A bounded number of requests, and what came of them."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass(slots=True)
class Burst:
    statuses: Counter[int] = field(default_factory=Counter)  # 0: no answer at all
    seconds: list[float] = field(default_factory=list)
    bodies: Counter[bytes] = field(default_factory=Counter)
    answers: list[httpx.Response] = field(default_factory=list)
    took: float = 0.0

    @property
    def count(self) -> int:
        return self.statuses.total()

    @property
    def good(self) -> int:
        return sum(count for status, count in self.statuses.items() if 200 <= status < 400)

    @property
    def bad(self) -> int:
        """Answers of the kind 5xx, and none at all."""
        return sum(count for status, count in self.statuses.items() if status >= 500 or status == 0)

    def percentile(self, share: float) -> float:
        """Milliseconds under which that share (0 to 100) of the answers came."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))] if ordered else 0.0


async def burst(
    client: httpx.AsyncClient, method: str, path: str, count: int, concurrency: int, **request: Any
) -> Burst:
    done = Burst()
    left = iter(range(count))
    begun = time.monotonic()

    async def one_after_another() -> None:
        for _ in left:
            sent = time.monotonic()
            try:
                answer = await client.request(method, path, **request)
            except httpx.HTTPError:
                done.statuses[0] += 1
            else:
                done.statuses[answer.status_code] += 1
                done.bodies[answer.content] += 1
                done.answers.append(answer)
            done.seconds.append(time.monotonic() - sent)

    await asyncio.gather(*(one_after_another() for _ in range(concurrency)))
    done.took = time.monotonic() - begun
    return done
