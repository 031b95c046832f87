import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st
from loadtests.plans import SHAPES, Plan, ramp, spike, steps

PLAN = Plan(load=100, seconds=60)


def test_a_ramp_begins_low_and_reaches_the_load_after_two_thirds() -> None:
    assert [ramp(PLAN, at) for at in (0, 20, 40, 59, 60)] == [1, 50, 100, 100, None]


def test_a_spike_is_five_times_the_load_in_the_middle_only() -> None:
    assert [spike(PLAN, at) for at in (0, 23, 24, 35, 36, 60)] == [100, 100, 500, 500, 100, None]


def test_steps_go_on_until_something_breaks() -> None:
    assert [steps(PLAN, at) for at in (0, 14.9, 15, 30, 1500)] == [100, 100, 200, 300, 10_100]


@given(st.sampled_from(sorted(SHAPES)), st.integers(1, 500), st.floats(1, 2000), st.floats(0, 5000))
def test_no_shape_ever_asks_for_nobody(name: str, load: int, seconds: float, at: float) -> None:
    users = SHAPES[name](Plan(load, seconds), at)
    assert users is None or users >= 1


def test_a_shape_that_does_not_exist_is_refused() -> None:
    command = [sys.executable, "-c", "from loadtests.shapes import Shape; Shape()"]
    done = subprocess.run(command, env={"SHAPE": "round"}, capture_output=True, text=True, check=False)
    assert "there is no shape round; there are steady, ramp, spike, soak, steps" in done.stderr
