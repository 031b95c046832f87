"""A steady stream of requests while something happens."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

AT_ONCE = 4
PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class Answer:
    begun: float  # on time.monotonic()
    ended: float
    status: int  # 0: no answer at all
    kind: str = ""  # its content type


@dataclass(slots=True)
class Answers:
    all: list[Answer] = field(default_factory=list)

    def since(self, begun: float, until: float = float("inf")) -> list[Answer]:
        """Of the requests that began in that time."""
        return [answer for answer in self.all if begun <= answer.begun < until]

    def failed(self, begun: float = 0.0, until: float = float("inf")) -> list[Answer]:
        return [a for a in self.since(begun, until) if a.status == 0 or a.status >= 500]


@asynccontextmanager
async def steady(
    ask: Callable[[], Awaitable[httpx.Response]], at_once: int = AT_ONCE, pause: float = PAUSE
) -> AsyncIterator[Answers]:
    """Requests all the time inside the block; the block's end waits for the last answers."""
    answers, over = Answers(), asyncio.Event()

    async def one() -> None:
        while not over.is_set():
            begun = time.monotonic()
            try:
                got = await ask()
                status, kind = got.status_code, got.headers.get("content-type", "")
            except httpx.HTTPError:
                status, kind = 0, ""
            answers.all.append(Answer(begun, time.monotonic(), status, kind))
            await asyncio.sleep(pause)

    tasks = [asyncio.create_task(one()) for _ in range(at_once)]
    try:
        yield answers
    finally:
        over.set()
        await asyncio.gather(*tasks)
