"""What a command says when something is wrong: one sentence, and an exit status."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FIGTREE = str(Path(sys.executable).with_name("figtree"))


@pytest.mark.parametrize(
    "command",
    [
        "status", "edge", "page", "down", "step", "back", "verify title", "shape", "diff", "load --seconds 1",
        "logs title", "apply istio/mesh/gateway.yaml", "delete istio/mesh/gateway.yaml", "scene run mtls",
        "scene run --all --json", "telemetry trace 1", "telemetry graph", "telemetry prometheus",
    ],
)  # fmt: skip
def test_without_a_system_every_command_says_so_in_one_line(command: str) -> None:
    env = os.environ | {"FIGTREE_NAME": f"nobody-{os.getpid()}", "RUNTIME": "local"}
    done = subprocess.run([FIGTREE, *command.split()], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: nobody-{os.getpid()} is not running: start it with `figtree up`\n"


def test_a_prometheus_that_is_not_there_is_told_in_one_line() -> None:
    command = [FIGTREE, "telemetry", "graph", "--prometheus", "http://127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: Prometheus at http://127.0.0.1:1 does not answer: ")
    assert done.stderr.count("\n") == 1
