"""The document says what `python -m monolith.seams.count` counts."""

import subprocess
import sys
from pathlib import Path

from monolith.seams import count

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "strangling.md").read_text()
SEAMS = ROOT / "monolith" / "monolith" / "seams"


def test_the_document_holds_the_table_that_the_command_prints() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "monolith.seams.count"], capture_output=True, text=True, check=True
    ).stdout
    assert printed.count("\n") == len(count.PARTS) + 3
    assert f"\n\n{printed}\n" in DOCUMENT, f"put this into docs/strangling.md:\n{printed}"


def test_every_file_of_the_seams_is_counted_once() -> None:
    there = {f"monolith/seams/{path.relative_to(SEAMS).as_posix()}" for path in SEAMS.rglob("*.py")}
    counted = count.counted()
    assert len(counted) == len(set(counted))
    assert {file for file in counted if file.startswith("monolith/")} == there - {count.ITSELF}


def test_every_adapter_that_the_seams_import_is_counted() -> None:
    wiring = (SEAMS / "wiring.py").read_text()
    remote = {file for file in count.counted() if file.startswith("rest_api/remote/")}
    imported = {
        line.split()[1].replace(".", "/") + ".py"
        for line in wiring.splitlines()
        if line.startswith("from rest_api.remote.")
    }
    assert len(imported) == 4
    assert imported < remote


def test_the_sum_of_the_table_is_the_number_of_lines_in_its_files() -> None:
    last = count.table().splitlines()[-1].split(" | ")
    assert int(last[-2]) == sum(count.lines_of(file) for file in count.counted())
