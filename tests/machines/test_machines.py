"""The look that make begins with, on each machine that can be had here; trials.py runs the system there."""

import pytest

from tests.machines.machines import MACHINES, Machine
from tests.machines.trials import is_expected, on

FAST = [machine for machine in MACHINES if machine.fast and machine.can_be_had()]


@pytest.mark.parametrize("machine", FAST, ids=lambda machine: machine.name)
def test_make_says_at_once_whether_figtree_runs_on(machine: Machine) -> None:
    outcome = on(
        machine, ["make", "--no-print-directory", "-f", "Makefile", "machine", "MAKECMDGOALS=up"], 60
    )
    assert is_expected(machine, outcome), outcome.output
    assert "Traceback" not in outcome.output
    if not machine.refused:
        assert outcome.last() == "[machine] nothing is missing"
