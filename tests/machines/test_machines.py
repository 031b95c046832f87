"""The look that make begins with, on each machine that can be had here; trials.py runs the system there."""

import re

import pytest

from tests.machines.machines import MACHINES, Machine
from tests.machines.trials import MARK, TABLE, is_expected, on, written

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


def test_every_machine_has_a_row_in_the_docs_with_seconds_and_the_day_on_which_it_was_tried() -> None:
    rows = [line for line in TABLE.read_text().partition(MARK)[2].splitlines() if line[:2] == "| "][2:]
    names = [row.split(" | ")[0].removeprefix("| ") for row in rows]
    assert set(names) >= {machine.name for machine in MACHINES if not machine.name.startswith("Python ")}
    assert [row for row in rows if not re.search(r"\| (\d+|–)? \| 20\d\d-\d\d-\d\d \|$", row)] == []
    assert [row for row in rows if "**fails**" in row] == []


def test_a_machine_that_is_tried_again_gets_its_row_anew_and_the_others_keep_theirs() -> None:
    first, second = MACHINES[0].name, MACHINES[1].name
    page = f"text\n{MARK}\n| machine | result |\n| --- | --- |\n| {second} | a |\n| {first} | a |\n| gone | a |\n"
    rows = written(page, {first: f"| {first} | b |\n"}).partition(MARK)[2].splitlines()
    assert rows[-2:] == [f"| {first} | b |", f"| {second} | a |"]
    assert written(page, {}).startswith("text\n")
