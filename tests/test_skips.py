"""A run in which something was left out is not green."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SKIPS = {
    "in a test": "import pytest\n\ndef test_it():\n    pytest.skip('there is no browser')\n",
    "by a mark": "import pytest\n\n@pytest.mark.skipif(True, reason='there is no browser')\ndef test_it(): ...\n",
    "of a module": "import pytest\npytest.importorskip('there_is_no_browser')\n\ndef test_it(): ...\n",
    "in a fixture": (
        "import pytest\n\n@pytest.fixture\ndef tool(): pytest.skip('there is no browser')\n\ndef test_it(tool): ...\n"
    ),
}


def run(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.support.skips",
        "-c",
        "/dev/null",
        *options,
        str(file),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("code", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_is_a_failure_in_make_test_and_its_reason_is_shown(code: str, tmp_path: Path) -> None:
    file = tmp_path / "test_skipped.py"
    file.write_text(code)
    assert run(file).returncode in (0, 5)
    refused = run(file, "--no-skips")
    assert refused.returncode in (1, 2)
    assert "not run, which counts as failed here" in refused.stdout
    assert "browser" in refused.stdout


def test_an_expected_failure_is_none(tmp_path: Path) -> None:
    file = tmp_path / "test_expected.py"
    file.write_text("import pytest\n\n@pytest.mark.xfail(strict=True)\ndef test_it(): assert False\n")
    assert run(file, "--no-skips").returncode == 0


def test_make_test_allows_no_skips() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    runs = [line for line in lines if "$(RUN)/pytest" in line]
    assert len(runs) >= 3
    assert all("--no-skips" in line for line in runs)
