"""The end of a run in one JSON object, for people and programs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from loadtests.histogram import percentile


@dataclass(frozen=True, slots=True)
class Verdict:
    seconds: float
    requests: int
    failures: int
    wrong: int
    orders_placed: int
    orders_unknown: int  # attempts without an answer: stored once or not at all
    streams_resumed: int
    cpu_percent: float  # of one core, while the load ran
    times: dict[int, int] = field(repr=False)
    by_name: dict[str, dict[str, int]] = field(default_factory=dict)
    details: list[dict[str, object]] = field(default_factory=list)  # the first failures

    @property
    def ok(self) -> bool:
        return self.requests > 0 and not self.failures and not self.wrong

    def report(self) -> dict[str, Any]:
        percentiles = {f"p{p}": percentile(self.times, p) for p in (50, 95, 99)}
        rps = round(self.requests / self.seconds, 1) if self.seconds else 0.0
        return {"ok": self.ok, "rps": rps, **percentiles, **asdict(self)}

    @classmethod
    def from_report(cls, report: dict[str, Any]) -> "Verdict":
        known = {name: report[name] for name in cls.__dataclass_fields__}
        known["times"] = {int(bucket): count for bucket, count in report["times"].items()}
        return cls(**known)


def merged(parts: Sequence[Verdict]) -> Verdict:
    """Of processes that ran side by side."""
    by_name: dict[str, Counter[str]] = {}
    for part in parts:
        for name, counts in part.by_name.items():
            by_name.setdefault(name, Counter()).update(counts)
    return Verdict(
        seconds=max(part.seconds for part in parts),
        requests=sum(part.requests for part in parts),
        failures=sum(part.failures for part in parts),
        wrong=sum(part.wrong for part in parts),
        orders_placed=sum(part.orders_placed for part in parts),
        orders_unknown=sum(part.orders_unknown for part in parts),
        streams_resumed=sum(part.streams_resumed for part in parts),
        cpu_percent=round(sum(part.cpu_percent for part in parts), 1),
        times=dict(sum((Counter(part.times) for part in parts), Counter[int]())),
        by_name={name: dict(counts) for name, counts in sorted(by_name.items())},
        details=[detail for part in parts for detail in part.details],
    )
