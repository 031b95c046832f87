"""When each user began and ended each call that concerns an order, so that a checker can judge every order's history.

A JSON line when a call begins and one when it is answered; a call without the second has an unknown outcome. Times are
nanoseconds of the machine's monotonic clock, so that the processes of one load can share a file.

`python -m loadtests.history FILE` checks a file with the Go program in loadtests/histories.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from loadtests.jsonlines import Lines
from loadtests.pricing import STATUSES

CHECKER = Path(__file__).parents[1] / "histories"
ABSENT = "absent"
RANKS = {ABSENT: 0, **{status: rank for rank, status in enumerate(STATUSES, 1)}}


@dataclass(frozen=True, slots=True)
class Begun:
    """A call that is under way."""

    history: "History"
    number: str

    def end(self, **output: object) -> None:
        """The call was answered: `id` and `status` of an order, or `orders`, a list of such pairs, newest first."""
        self.history.write(number=self.number, ended=time.monotonic_ns(), **output)


class History:
    """The writing side; without a path nothing is written."""

    def __init__(self, path: Path | None) -> None:
        self._lines = Lines(path)
        self._numbers = (f"{os.getpid()}-{number}" for number in count())

    def begin(self, client: int, kind: str, **about: str) -> Begun:
        """Begin to `place` (customer, key), `read` (id), `list` (customer, size) or wait for an `event` (id)."""
        number = next(self._numbers)
        self.write(number=number, begun=time.monotonic_ns(), client=client, kind=kind, **about)
        return Begun(self, number)

    def write(self, **entry: object) -> None:
        self._lines.write(entry)

    def close(self) -> None:
        self._lines.close()


@dataclass(frozen=True, slots=True)
class Call:
    """What one call says of one order: the input of the checker, whose fields are explained there."""

    order: str
    client: int
    kind: str
    id: str
    rank: int
    begun: int
    ended: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What the checker found; `violations` lists the calls of every order that has no possible history."""

    orders: int
    calls: int
    violations: list[list[str]] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.orders > 0 and not self.violations and not self.undecided


def read(path: Path) -> list[dict[str, Any]]:
    """The calls of a file, each with what is known of its end; a killed load may leave half a line."""
    calls: dict[str, dict[str, Any]] = {}
    with path.open(encoding="utf-8") as lines:
        for entry in (json.loads(line) for line in lines if line.endswith("\n")):
            calls.setdefault(entry["number"], {}).update(entry)
    return list(calls.values())


def per_order(history: Sequence[dict[str, Any]]) -> Iterator[Call]:
    """Every call, once for each order of which it says something."""
    placed = {one["id"]: one for one in history if one["kind"] == "place" and "ended" in one}
    names = {order_id: _name(one) for order_id, one in placed.items()}
    owners = {order_id: one["customer"] for order_id, one in placed.items()}
    for one in history:
        times = {"client": one["client"], "begun": one["begun"], "ended": one.get("ended", 0)}
        match one["kind"]:
            case "place":
                rank = 1  # a repeated request may be answered as the first one was
                yield Call(_name(one), kind="place", id=one.get("id", ""), rank=rank, **times)
            case "read" | "event" if "ended" in one and one["id"] in names:
                yield Call(
                    names[one["id"]], kind=one["kind"], id=one["id"], rank=RANKS[one["status"]], **times
                )
            case "list" if "ended" in one:
                for order_id, status in _listed(one, owners):
                    yield Call(names[order_id], kind="read", id=order_id, rank=RANKS[status], **times)


def _name(placing: dict[str, Any]) -> str:
    return f"{placing['customer']} {placing['key']}"


def _listed(page: dict[str, Any], owners: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The orders of the history that the page has or should have; ids grow with the time at which they were given."""
    statuses = dict(page["orders"])
    oldest = min(statuses) if len(statuses) == int(page["size"]) else ""
    for order_id, customer in owners.items():
        if order_id in statuses:
            yield order_id, statuses[order_id]
        elif customer == page["customer"] and order_id > oldest:
            yield order_id, ABSENT


def judge(path: Path, checker: Sequence[str]) -> Judged:
    """Let the checker decide about every order of a history. Raises ValueError if it cannot read it."""
    lines = "".join(json.dumps(asdict(call)) + "\n" for call in per_order(read(path)))
    done = subprocess.run(list(checker), input=lines, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise ValueError(f"{path} could not be checked: {done.stderr.strip()}")
    return Judged(**json.loads(done.stdout))


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python -m loadtests.history FILE, as written by --history", file=sys.stderr)
        return 2
    try:
        judged = judge(Path(sys.argv[1]), ["go", "run", "-C", str(CHECKER), "."])
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(asdict(judged), indent=1))
    return 0 if judged.ok else 1


if __name__ == "__main__":
    sys.exit(main())
