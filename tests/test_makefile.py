"""The make targets that the documents name, with a user's environment around them."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE)
VARIABLES = re.findall(r"^([A-Z_]+)\s*[?:]?=", MAKEFILE, re.MULTILINE)
# Set by bash itself, by conda (HOST), or so often by users that a value says nothing about Figtree.
OWNED = {
    "SECONDS",
    "RANDOM",
    "LINENO",
    "UID",
    "EUID",
    "PPID",
    "HOSTNAME",
    "HOSTTYPE",
    "OSTYPE",
    "MACHTYPE",
    "COLUMNS",
    "LINES",
    "HOST",
    "BUILD",
    "PYTHON",
    "MODE",
    "NAME",
    "USER",
    "HOME",
    "PATH",
    "SHELL",
    "TERM",
    "LANG",
    "PWD",
    "TMPDIR",
    "EDITOR",
    "CC",
    "CFLAGS",
    "ARCH",
    "TARGET",
    "PORT",
    "DEBUG",
    "VERSION",
}


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")} | environment
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("target", TARGETS)
def test_every_documented_target_expands_without_a_warning(target: str) -> None:
    done = make("--dry-run", target)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr


def test_no_variable_has_a_name_that_the_shell_or_a_users_environment_owns() -> None:
    assert len(VARIABLES) > 15
    given = {"SHELL"}  # make's own: it is not taken from the environment
    assert not set(VARIABLES) & (OWNED - given)


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        (
            {"SECONDS": "5", "HOST": "x86_64-conda-linux-gnu", "MODE": "lite", "PYTHON": "python2"},
            "DURATION=''",
        ),
        ({"DURATION": "7"}, "DURATION='7'"),
    ],
)
def test_the_load_takes_its_own_variables_from_the_environment_and_no_others(
    environment: dict[str, str], shown: str
) -> None:
    done = make("--dry-run", "load", **environment)
    assert shown in done.stdout
    assert "conda" not in done.stdout


def test_the_old_spellings_count_on_the_command_line() -> None:
    done = make("--dry-run", "load", "SECONDS=9", "HOST=http://127.0.0.1:1")
    assert "DURATION='9'" in done.stdout
    assert "edge='http://127.0.0.1:1'" in done.stdout


@pytest.mark.parametrize("cache", ["", "/tmp/a cache"])
def test_an_empty_cache_variable_counts_as_unset_and_a_space_in_it_is_no_harm(cache: str) -> None:
    done = make("--dry-run", "--always-make", "setup", XDG_CACHE_HOME=cache, HOME="/tmp/a home")
    assert done.returncode == 0, done.stderr
    assert f'"{cache or "/tmp/a home/.cache"}/figtree/uv-' in done.stdout


def test_make_load_without_a_duration_goes_on_until_it_is_stopped() -> None:
    """With a server that answers nothing right the load still has to run, not to end after a moment."""
    begun = time.monotonic()
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    with subprocess.Popen(
        [
            "timeout",
            "--signal=INT",
            "12",
            "make",
            "load",
            "LOAD=2",
            "EDGE=http://127.0.0.1:9",
            "REPORT=build/test",
        ],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        running.wait(60)
    assert time.monotonic() - begun > 11
