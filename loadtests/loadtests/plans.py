"""How many users there are when. Every user makes one request a second, so users are requests a second."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

STEP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Plan:
    load: int
    seconds: float


def steady(plan: Plan, at: float) -> int | None:
    return plan.load if at < plan.seconds else None


def ramp(plan: Plan, at: float) -> int | None:
    """From nothing to the load in the first two thirds, then it stays."""
    return max(1, round(plan.load * min(1, 1.5 * at / plan.seconds))) if at < plan.seconds else None


def spike(plan: Plan, at: float) -> int | None:
    """A fifth of the time, in the middle, five times the load."""
    if at >= plan.seconds:
        return None
    return plan.load * 5 if 0.4 <= at / plan.seconds < 0.6 else plan.load


def steps(plan: Plan, at: float) -> int | None:
    """The load once more every 15 seconds; `Steps` ends it where the system breaks."""
    return plan.load * (1 + int(at / STEP_SECONDS))


SHAPES: Mapping[str, Callable[[Plan, float], int | None]] = {
    "steady": steady,
    "ramp": ramp,
    "spike": spike,
    "soak": steady,  # the same, for long: what grows shows
    "steps": steps,
}
