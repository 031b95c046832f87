"""The shape that SHAPE names, as Locust takes it."""

import os
from typing import Any

from locust import LoadTestShape

from loadtests.plans import SHAPES, STEP_SECONDS, Plan

RAMP = 100.0  # users that come or leave in a second

Tick = tuple[int, float] | None


class Shape(LoadTestShape):
    """The one that SHAPE names, with LOAD and DURATION."""

    def __init__(self) -> None:
        super().__init__()
        self.name = os.environ.get("SHAPE", "steady")
        if self.name not in SHAPES:
            raise ValueError(f"there is no shape {self.name}; there are {', '.join(SHAPES)}")
        default = "1200" if self.name == "soak" else "60"
        self.plan = Plan(int(os.environ.get("LOAD") or 120), float(os.environ.get("DURATION") or default))
        self.held = 0  # users of the last step that the system bore
        self.broke = ""

    def tick(self) -> Tick:
        users = SHAPES[self.name](self.plan, self._at())
        if users is None or (self.name == "steps" and self._is_broken(users)):
            return None
        return users, RAMP

    def _at(self) -> float:
        return float(self.get_run_time())

    def _is_broken(self, users: int) -> bool:
        """Looked at when a step has had time to show: answers too late, failed, or fewer than asked for."""
        into = self._at() % STEP_SECONDS
        if into < STEP_SECONDS - 2:
            return False
        total: Any = self.runner.stats.total if self.runner else None
        p99 = total.get_current_response_time_percentile(0.99) or 0
        late = float(os.environ.get("LATE") or 1000)
        if p99 > late:
            self.broke = f"p99 is {p99:g} ms, more than {late:g} ms"
        elif total.current_fail_per_sec > 0:
            self.broke = f"{total.current_fail_per_sec:g} requests a second fail"
        elif total.current_rps < 0.8 * users:
            self.broke = f"{total.current_rps:.0f} of {users} requests a second are answered"
        else:
            self.held = users
        return bool(self.broke)
