"""What a run must hold: `p99<=250 failed<=0 rps>=100`. One figure that falls short fails the run, and is named."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FIGURES = ("p50", "p95", "p99", "max", "failed", "wrong", "rps", "failed_percent")
FORM = re.compile(r"([a-z0-9_]+)(<=|>=)([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Limit:
    figure: str
    at_most: bool
    value: float

    def falls_short(self, found: float) -> str:
        """In words, or nothing."""
        if (found <= self.value) if self.at_most else (found >= self.value):
            return ""
        return f"{self.figure} is {found:g}, {'at most' if self.at_most else 'at least'} {self.value:g} was asked for"


def parse(text: str) -> list[Limit]:
    """Raises ValueError for what is no limit."""
    limits = []
    for word in text.split():
        found = FORM.fullmatch(word)
        if found is None or found[1] not in FIGURES:
            raise ValueError(
                f"{word} is no limit: NAME<=NUMBER or NAME>=NUMBER, NAME one of {', '.join(FIGURES)}"
            )
        limits.append(Limit(found[1], found[2] == "<=", float(found[3])))
    return limits


def shortfalls(limits: Sequence[Limit], figures: Mapping[str, float]) -> list[str]:
    return [text for limit in limits if (text := limit.falls_short(figures[limit.figure]))]
