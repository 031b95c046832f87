"""What the load knows of its orders, so that another program can prove that none is lost and none is doubled.

A JSON line per fact, in this order: `run`; `attempt` before a key's POST is sent; then `placed` or `refused`.
An attempt without either has an unknown outcome: its order may be stored once or not at all.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from loadtests.jsonlines import Lines

Key = tuple[str, str]  # customer, idempotency key


class Ledger:
    """The writing side: every line reaches the file before the load goes on."""

    def __init__(self, path: Path | None, run: str) -> None:
        self.run = run
        self._ids: dict[Key, str] = {}
        self._unknown: set[Key] = set()
        self._lines = Lines(path)
        self._write(kind="run", run=run)

    def attempt(self, customer: str, key: str) -> None:
        self._unknown.add((customer, key))
        self._write(kind="attempt", customer=customer, key=key)

    def placed(self, customer: str, key: str, order_id: str, total: str, currency: str) -> str | None:
        """The id that the key had before."""
        self._unknown.discard((customer, key))
        known = self._ids.get((customer, key))
        if known != order_id:
            self._ids[customer, key] = order_id
            self._write(
                kind="placed", customer=customer, key=key, id=order_id, total=total, currency=currency
            )
        return known

    def refused(self, customer: str, key: str) -> None:
        self._unknown.discard((customer, key))
        self._write(kind="refused", customer=customer, key=key)

    def is_unknown(self, customer: str, key: str) -> bool:
        return (customer, key) in self._unknown

    @property
    def unknown(self) -> int:
        return len(self._unknown)

    def close(self) -> None:
        self._lines.close()

    def _write(self, **entry: str) -> None:
        self._lines.write({**entry, "at": round(time.time(), 3)})


@dataclass(frozen=True, slots=True)
class Entries:
    runs: set[str] = field(default_factory=set)
    attempts: set[Key] = field(default_factory=set)
    refused: set[Key] = field(default_factory=set)
    placed: dict[Key, dict[str, Decimal]] = field(
        default_factory=dict
    )  # totals by id: more than one is one too many

    @property
    def unknown(self) -> set[Key]:
        return self.attempts - self.refused - self.placed.keys()


class Row(NamedTuple):
    """One stored order, as the caller fetched it."""

    id: str
    customer_id: str
    idempotency_key: str
    total: Decimal


@dataclass(frozen=True, slots=True)
class Comparison:
    placed: int  # orders that the load got an answer for
    stored: int  # rows of the load's runs
    unknown: int  # attempts without an answer
    unknown_stored: int  # of these, stored
    lost: list[Key]  # answered, not stored
    doubled: list[Key]  # stored or answered more than once
    different: list[Key]  # stored with another id or total than answered
    unexpected: list[Key]  # stored, but refused or never attempted

    @property
    def ok(self) -> bool:
        return not (self.lost or self.doubled or self.different or self.unexpected)


def read(path: Path) -> Entries:
    entries = Entries()
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):  # a killed load may leave half a line
                _add(entries, json.loads(line))
    return entries


def _add(entries: Entries, entry: dict[str, Any]) -> None:
    if entry["kind"] == "run":
        entries.runs.add(entry["run"])
        return
    key = (entry["customer"], entry["key"])
    match entry["kind"]:
        case "attempt":
            entries.attempts.add(key)
        case "refused":
            entries.refused.add(key)
        case "placed":
            entries.placed.setdefault(key, {})[entry["id"]] = Decimal(entry["total"])


def compare(entries: Entries, rows: Iterable[Row]) -> Comparison:
    """Rows of other runs, or of no load at all, are left aside: a key begins with its run."""
    stored: dict[Key, list[Row]] = {}
    for row in rows:
        if row.idempotency_key.rpartition("-")[0] in entries.runs:
            stored.setdefault((row.customer_id, row.idempotency_key), []).append(row)
    single = {key: next(iter(known.items())) for key, known in entries.placed.items() if len(known) == 1}
    known = entries.placed.keys()
    return Comparison(
        placed=sum(map(len, entries.placed.values())),
        stored=sum(map(len, stored.values())),
        unknown=len(entries.unknown),
        unknown_stored=len(entries.unknown & stored.keys()),
        lost=sorted(known - stored.keys()),
        doubled=sorted({k for k, found in stored.items() if len(found) > 1} | (known - single.keys())),
        different=sorted(
            key
            for key, (order_id, total) in single.items()
            if any((row.id, row.total) != (order_id, total) for row in stored.get(key, [])[:1])
        ),
        unexpected=sorted(stored.keys() - known - entries.unknown),
    )
