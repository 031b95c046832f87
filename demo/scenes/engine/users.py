"""Users who go on asking while something changes, and when each of their requests began."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from scenes.engine.stage import Stage

AT_ONCE = 4
PAUSE = 0.01  # between two requests of one user: what they ask for stays below 400 a second


@dataclass(frozen=True, slots=True)
class Answered:
    user: int
    begun: float  # on time.monotonic()
    basket: int  # which of the baskets
    status: int  # 0: no answer at all
    body: bytes


@dataclass(slots=True)
class Users:
    answers: list[Answered] = field(default_factory=list)

    def since(self, moment: float) -> list[Answered]:
        """The requests that began after that moment and are answered."""
        return [one for one in self.answers if one.begun > moment]

    def are_past(self, moment: float) -> bool:
        """Whether each user has got an answer to a request that began after it, so that no older one is under way."""
        return len({one.user for one in self.since(moment)}) == AT_ONCE

    def failed(self, moment: float = 0.0) -> int:
        return sum(one.status != 200 for one in self.since(moment))

    def wrong(self, right: Sequence[bytes], moment: float = 0.0) -> int:
        """Answers that are not the right ones; `right` has one for each basket."""
        return sum(one.status == 200 and one.body != right[one.basket] for one in self.since(moment))


@asynccontextmanager
async def asking(stage: Stage, baskets: Sequence[Any]) -> AsyncIterator[Users]:
    """Quotes for the baskets in turn, all the time inside the block."""
    users, over = Users(), asyncio.Event()

    async def one(user: int) -> None:
        number = user
        while not over.is_set():
            begun, basket = time.monotonic(), number % len(baskets)
            try:
                answer = await stage.client.post("/api/quotes", json=baskets[basket])
                users.answers.append(Answered(user, begun, basket, answer.status_code, answer.content))
            except httpx.HTTPError:
                users.answers.append(Answered(user, begun, basket, 0, b""))
            number += AT_ONCE
            await asyncio.sleep(PAUSE)

    tasks = [asyncio.create_task(one(user)) for user in range(AT_ONCE)]
    try:
        yield users
    finally:
        over.set()
        await asyncio.gather(*tasks)
