"""`make demo` ended by Ctrl-C, as a terminal does it: everything in the foreground gets SIGINT."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
from localmesh.instance import MARKER, directory_of

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("stage", ["ready", "start the monolith", "watch it happen", "1-currency", "2-title"])
def test_an_interrupted_demo_leaves_nothing_and_begins_again(stage: str) -> None:
    name = f"interrupted-{os.getpid()}"
    env = os.environ | {"FIGTREE_NAME": name, "RUNTIME": "local", "DWELL": "0.2", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        ["make", "demo"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stdout is not None
        seen = []
        for line in demo.stdout:
            seen.append(line)
            if stage in line:
                break
        os.killpg(demo.pid, signal.SIGINT)
        rest = demo.stdout.read()
        demo.wait(60)
    text = "".join(seen) + rest
    assert stage in text
    assert "Traceback" not in text
    assert demo.returncode != 0
    assert processes_of(name) == []
    assert not directory_of(name).exists()


def processes_of(name: str) -> list[str]:
    mark = f"{MARKER}={directory_of(name)}"
    found = []
    for process in psutil.process_iter():
        try:
            if mark in [f"{key}={value}" for key, value in process.environ().items()]:
                found.append(f"{process.pid} {process.name()}")
        except psutil.Error:
            continue
    return found
