"""A lean load: as many connections as clients, each sends its next order when it has its answer.

It has to cost little beside what it measures: no HTTP library, no JSON, no objects per request.
"""

import asyncio
import re
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import cast

CUSTOMERS = tuple(f"c-{number}" for number in range(1001, 1031))
CURRENCIES = ("EUR", "EUR", "GBP", "USD", "CHF", "SEK", "JPY", "PLN")
WORDS = ("the", "wuthering", "austen", "river", "silva", "night")
READS = {
    "title": "/api/titles/{title}",
    "titles": "/api/titles?query={word}",
    "rates": "/api/rates",
    "convert": "/api/convert?amount={amount}&from=EUR&to={currency}",
    "order": "/api/orders/{order}",
    "quote": "/api/quotes",
}
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Basket:
    """What every order is: two lines of titles that are chosen evenly."""

    titles: int = 500
    lines: int = 2


@dataclass(slots=True)
class Tally:
    """What came of the requests that were answered while `open`."""

    open: bool = False
    times: "array[float]" = field(default_factory=lambda: array("d"))
    statuses: Counter[int] = field(default_factory=Counter)
    cut: int = 0
    sent: int = 0
    received: int = 0


def orders(run: str, client: int, basket: Basket) -> Iterator[bytes]:
    """Requests without end, each with a key of its own."""
    random = Random(f"{run} {client}")
    number = 0
    while True:
        number += 1
        lines = ",".join(
            f'{{"title_id":"t-{random.randint(1, basket.titles):06}","quantity":{random.randint(1, 12)}}}'
            for _ in range(basket.lines)
        )
        customer, currency = random.choice(CUSTOMERS), random.choice(CURRENCIES)
        body = f'{{"customer_id":"{customer}","currency":"{currency}","lines":[{lines}]}}'.encode()
        yield (
            b"POST /api/orders HTTP/1.1\r\nhost: figtree\r\ncontent-type: application/json\r\n"
            b"idempotency-key: %s-%d-%d\r\ncontent-length: %d\r\n\r\n%s"
            % (run.encode(), client, number, len(body), body)
        )


def reads(kind: str, run: str, client: int, titles: int = 500, ids: Sequence[str] = ()) -> Iterator[bytes]:
    """Requests of one of READS without end; `ids` are those of orders."""
    random = Random(f"{run} {client}")
    while True:
        if kind == "quote":
            lines = f'{{"title_id":"t-{random.randint(1, titles):06}","quantity":{random.randint(1, 12)}}}'
            body = f'{{"currency":"{random.choice(CURRENCIES)}","lines":[{lines}]}}'.encode()
            yield (
                b"POST /api/quotes HTTP/1.1\r\nhost: figtree\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\n\r\n%s" % (len(body), body)
            )
            continue
        path = READS[kind].format(
            title=f"t-{random.randint(1, titles):06}",
            word=random.choice(WORDS),
            amount=random.randint(1, 99_999) / 100,
            currency=random.choice(CURRENCIES),
            order=random.choice(ids) if ids else "",
        )
        yield b"GET %s HTTP/1.1\r\nhost: figtree\r\n\r\n" % path.encode()


class Client(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], tally: Tally, pause: float = 0.0) -> None:
        self._requests = requests
        self._tally = tally
        self._pause = pause
        self._answer = b""
        self._sent_at = 0.0
        self.transport: asyncio.Transport | None = None
        self.gone = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are not its subclasses
        self._send()

    def _send(self) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        request = next(self._requests)
        self._tally.sent += len(request)
        self._sent_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        end = self._answer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = LENGTH.search(self._answer, 0, end)
        if length is None or len(self._answer) < end + 4 + int(length[1]):
            return
        status, size, self._answer = int(self._answer[9:12]), len(self._answer), b""
        if self._tally.open:
            self._tally.times.append(time.perf_counter() - self._sent_at)
            self._tally.statuses[status] += 1
            self._tally.received += size
        self.answered(status)

    def answered(self, status: int) -> None:
        """The next order, after a pause if there is one."""
        if self._pause:
            asyncio.get_running_loop().call_later(self._pause, self._send)
        else:
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self._tally.cut += self._tally.open
        if not self.gone.done():
            self.gone.set_result(None)


async def load(
    host: str,
    port: int,
    clients: int,
    seconds: float,
    requests_of: Callable[[int], Iterator[bytes]],
    *,
    warm: float = 0.5,
    pause: float = 0.0,
) -> Tally:
    """`clients` at once for `seconds`, after `warm` seconds that do not count; each has requests of its own, and one
    that is cut off comes again."""
    tally = Tally()
    loop = asyncio.get_running_loop()

    async def one(number: int) -> None:
        requests = requests_of(number)
        while True:
            try:
                _, client = await loop.create_connection(lambda: Client(requests, tally, pause), host, port)
            except OSError:
                tally.cut += tally.open
                await asyncio.sleep(0.1)
                continue
            try:
                await client.gone
            finally:
                if client.transport is not None:
                    client.transport.abort()

    tasks = [asyncio.create_task(one(number)) for number in range(clients)]
    await asyncio.sleep(warm)
    tally.sent = 0
    tally.open = True
    await asyncio.sleep(seconds)
    tally.open = False
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return tally
