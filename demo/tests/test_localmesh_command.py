"""`python -m localmesh`, without the rest of the demo."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.system

NAME = f"alone-{os.getpid()}"


def localmesh(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localmesh", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_local_mesh_starts_a_workload_lists_it_and_leaves_nothing(standins: None) -> None:
    assert localmesh("up", "--name", NAME, "--no-mesh").stdout == f"{NAME} is running\n"
    try:
        assert localmesh("start", "currency", "--name", NAME).returncode == 0
        status = localmesh("status", "--name", NAME)
        assert status.stdout.startswith("currency   v1     replica 0  ready")
    finally:
        done = localmesh("down", "--name", NAME)
    assert (done.returncode, done.stderr) == (0, "")
    gone = localmesh("status", "--name", NAME)
    assert gone.returncode == 1
    assert gone.stderr == f"error: {NAME} is not running: start it with `figtree up`\n"


def test_a_file_that_is_missing_is_named_and_nothing_is_applied() -> None:
    done = localmesh("apply", "nowhere.yaml")
    assert done.returncode == 2
    assert "nowhere.yaml" in done.stderr
