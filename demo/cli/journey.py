"""The whole journey under load: there, back one step, there again; and the figures that prove it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from loadtests.control import Load
from loadtests.ledger import Row as StoredOrder
from loadtests.ledger import compare, read
from loadtests.verdict import Verdict
from runtime.api import Runtime
from runtime.commands import run
from strangler.context import Report
from strangler.database import MONOLITH, connected
from strangler.gate import GateRefused
from strangler.modules import BY_NAME, LAST, SHAPES
from strangler.steps import Strangler

MARKER = b"""\
{"id": "t-strangler", "isbn13": "9780000099990", "name": "The Strangler Fig", "authors": ["Nobody"], \
"format": "ebook", "publisher": "Figtree", "year": 2026}
"""
WARM_UP = 3.0
ATTEMPTS, PAUSE = 4, 3.0  # of a step that something interrupts, seconds between them
TAMPERED = ("1999-06-21", "SKK")  # a rate that nobody asks for: the gate must find it all the same


class Display(Protocol):
    """Where the journey tells what it does."""

    def phase(self, step: str, text: str) -> None: ...
    def note(self, text: str) -> None: ...


@dataclass(slots=True)
class Row:
    """One line of the table: one step, and what the users saw meanwhile."""

    step: str
    direction: str
    seconds: float
    requests: int = 0
    failures: int = 0
    wrong: int = 0
    p50: float = 0.0  # milliseconds
    p99: float = 0.0
    orders: int = 0
    rows: int = 0
    pairs: int = 0
    mismatches: int = 0
    pause: float = 0.0  # seconds in which writers waited
    phases: list[tuple[str, float]] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    rows: list[Row] = field(default_factory=list)
    refusal: str = ""
    requests: int = 0
    failures: int = 0
    wrong: int = 0
    rate: float = 0.0
    placed: int = 0
    stored: int = 0
    lost: list[tuple[str, str]] = field(default_factory=list)  # customer and key
    doubled: list[tuple[str, str]] = field(default_factory=list)
    different: list[tuple[str, str]] = field(default_factory=list)
    unexpected: list[tuple[str, str]] = field(default_factory=list)
    streams_resumed: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        orders = self.lost or self.doubled or self.different or self.unexpected
        return not (self.failures or self.wrong or orders or self.problems) and 0 < self.placed <= self.stored

    def as_json(self) -> dict[str, object]:
        return {"holds": self.holds, **asdict(self)}


class Journey:
    """Drives a strangler under a load. `steps` names the shapes to go through, in their order."""

    def __init__(self, runtime: Runtime, strangler: Strangler, load: Load, display: Display) -> None:
        self._runtime = runtime
        self._strangler = strangler
        self._load = load
        self._display = display
        self.outcome = Outcome()

    async def travel(self) -> Outcome:
        """From the shape that is found to the last one; from the first one, the gate and the way back are shown too."""
        begun = time.time()
        number, _ = await self._strangler.state.position()
        whole = number == 0
        await asyncio.sleep(WARM_UP)
        self._measure(Report(SHAPES[number], "before", begun=begun, ended=time.time()))
        while number < LAST:
            if whole and number == 0:
                await self._refusal()
            await self._step(self._strangler.forward)
            if SHAPES[number + 1] == "2-title":
                await self._back_office_writes()
            if whole and SHAPES[number + 1] == "4-order":
                await self._step(self._strangler.back)
                await self._step(self._strangler.forward)
            number += 1
        await asyncio.sleep(WARM_UP)
        return self.outcome

    async def prove(self, ledger: Path) -> Outcome:
        """After the load has ended: placed = stored, none lost, none doubled, none different."""
        async with connected(self._runtime, await self.owner()) as db:
            rows = await db.fetch("select id::text, customer_id, idempotency_key, total from orders")
        compared = compare(read(ledger), (StoredOrder(*row) for row in rows))
        self.outcome.placed, self.outcome.stored = compared.placed, compared.stored
        self.outcome.lost, self.outcome.doubled = compared.lost, compared.doubled
        self.outcome.different, self.outcome.unexpected = compared.different, compared.unexpected
        return self.outcome

    async def owner(self) -> str:
        phases = await self._strangler.state.phases()
        return "order" if phases["order"] == "strangled" else MONOLITH

    async def _step(self, move: Callable[[], Awaitable[Report]]) -> None:
        begun = time.time()
        report = await self._retry(move)
        report.begun = begun
        await asyncio.sleep(1.0)  # what the step caused late belongs to it
        report.ended = time.time()
        self._measure(report)

    async def _retry(self, move: Callable[[], Awaitable[Report]]) -> Report:
        """A process that dies during a step is restarted; the step is then taken up where it stands."""
        for attempt in range(1, ATTEMPTS):
            try:
                return await move()
            except Exception as error:
                self._display.note(f"interrupted, attempt {attempt} of {ATTEMPTS}: {_sentence(error)}")
                await asyncio.sleep(PAUSE)
        return await move()

    def _measure(self, report: Report) -> None:
        seen = self._load.stats_between(report.begun, report.ended)
        self.outcome.rows.append(
            Row(
                report.step,
                report.direction,
                report.ended - report.begun,
                seen.requests,
                seen.failures,
                seen.wrong,
                seen.p50,
                seen.p99,
                seen.orders_placed,
                report.rows,
                report.pairs,
                report.mismatches,
                report.pause,
                report.phases,
            )
        )

    async def _refusal(self) -> None:
        """Tamper with one copied row, see the gate refuse, put the row right."""
        day, code = TAMPERED
        sql = "update rates set rate = rate + 1 where date = $1::text::date and currency = $2"

        async def tamper(_: str) -> None:
            async with connected(self._runtime, "currency") as db:
                await db.execute(
                    "set session_replication_role = replica"
                )  # past the fence, as only an administrator can
                await db.execute(sql, day, code)

        begun = time.time()
        try:
            await self._strangler.forward(tamper)
        except GateRefused as refusal:
            self.outcome.refusal = str(refusal)
            self._display.note(f"as it should: {refusal}")
        else:
            self.outcome.problems.append("the gate let a tampered row pass")
        async with connected(
            self._runtime, MONOLITH
        ) as db:  # the same value again: replication repairs the copy
            await db.execute(
                "update rates set rate = rate where date = $1::text::date and currency = $2", day, code
            )
        self._measure(Report("1-currency", "refused", begun=begun, ended=time.time()))

    async def _back_office_writes(self) -> None:
        """A title published at its new owner is in the monolith's tables, too: the way back stays open."""
        await run(await self._runtime.workloads.command("title", "import"), MARKER)
        await self._strangler.replication.caught_up(BY_NAME["title"], "back")
        async with connected(self._runtime, MONOLITH) as db:
            if not await db.fetchval("select 1 from titles where id = 't-strangler'"):
                self.outcome.problems.append(
                    "a title written by the service did not come back to the monolith"
                )

    def conclude(self, verdict: Verdict) -> None:
        """Take over what the load says at its end."""
        self.outcome.requests = verdict.requests
        self.outcome.failures = verdict.failures
        self.outcome.wrong = verdict.wrong
        self.outcome.rate = verdict.requests / verdict.seconds if verdict.seconds else 0.0
        self.outcome.streams_resumed = verdict.streams_resumed


def _sentence(error: Exception) -> str:
    return str(error) or type(error).__name__
