"""A run in which something was left out is not green."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
IN_TESTS = """
import pytest

def test_in_a_test():
    pytest.skip("there is no browser")

@pytest.mark.skipif(True, reason="there is no browser")
def test_by_a_mark(): ...

@pytest.fixture
def tool():
    pytest.skip("there is no browser")

def test_in_a_fixture(tool): ...

@pytest.mark.xfail(strict=True)
def test_expected():
    raise ValueError
"""
OF_A_MODULE = "import pytest\npytest.importorskip('there_is_no_browser')\n\ndef test_it(): ...\n"


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    plugins = (
        "-p",
        "tests.support.skips",
        "-p",
        "xdist.plugin",
    )  # loading all of them takes most of the time
    command = [sys.executable, "-m", "pytest", "-q", *plugins, "-c", "/dev/null", *options, str(folder)]
    env = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)


PROCESSES = pytest.mark.parametrize("processes", ["0", "2"])


@PROCESSES
def test_a_skip_is_a_failure_in_make_test_and_its_reason_is_shown(tmp_path: Path, processes: str) -> None:
    (tmp_path / "test_skipped.py").write_text(IN_TESTS)
    assert run(tmp_path, "--numprocesses", processes).returncode == 0
    refused = run(tmp_path, "--no-skips", "--numprocesses", processes)
    assert refused.returncode == 1
    assert "1 failed, 1 xfailed, 2 errors" in refused.stdout
    # The summary repeats them where CI is set.
    failures = refused.stdout.partition("short test summary info")[0]
    assert len(re.findall("not run, which counts as failed here: .*there is no browser", failures)) == 3


@PROCESSES
def test_a_module_that_is_skipped_is_a_failure_too(tmp_path: Path, processes: str) -> None:
    (tmp_path / "test_skipped.py").write_text(OF_A_MODULE)
    refused = run(tmp_path, "--no-skips", "--numprocesses", processes)
    assert refused.returncode == {"0": 2, "2": 1}[processes]  # as pytest and its processes say it
    assert "not run, which counts as failed here" in refused.stdout
    assert "there_is_no_browser" in refused.stdout


def test_make_test_allows_no_skips() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    runs = [line for line in lines if "$(RUN)/pytest" in line]
    assert len(runs) >= 3
    assert all("--no-skips" in line for line in runs)
