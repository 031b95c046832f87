"""A first `make setup` with empty caches: ended by Ctrl-C at each stage, repeated, and in two checkouts at once."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from localmesh.cache import cache_folder

from tests.machines.machines import NAMESPACES, copied

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 400.0  # seconds for a setup over a slow network
KEPT = (
    "PATH",
    "LANG",
    "SSL_CERT_FILE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "PIP_INDEX_URL",
    "UV_DEFAULT_INDEX",
)
# What a line says, and the seconds after it at which the stage is half done.
STAGES = (
    ("[setup] uv ", 0.0),
    ("[setup] uv ", 2.0),
    ("[setup] Python packages", 4.0),
    ("[page]", 0.5),
    ("[page]", 3.0),
)

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]


class Newcomer:
    """Somebody with an empty home, and checkouts without anything that was installed."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.cache = place / ".cache" / "figtree"
        self.env = {name: os.environ[name] for name in KEPT if name in os.environ} | {
            "HOME": str(place),
            "RUNTIME": "local",
            "FIGTREE_NAME": f"first-{os.getpid()}",
            "DWELL": "0.2",
        }

    def checkout(self, name: str) -> Path:
        return copied(ROOT, self.place / name)

    def make(self, checkout: Path, target: str, *before: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*before, "make", target],
            cwd=checkout,
            env=self.env,
            text=True,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def processes(self) -> list[str]:
        """Those that work in this home."""
        found = []
        for process in psutil.process_iter():
            try:
                if Path(process.cwd()).is_relative_to(self.place) or process.environ().get("HOME") == str(
                    self.place
                ):
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return found


@pytest.fixture
def newcomer() -> Iterator[Newcomer]:
    place = Path(f"/var/tmp/figtree-first-{os.getpid()}")  # a short path, as a home has
    place.mkdir()
    try:
        yield Newcomer(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def interrupted(making: "subprocess.Popen[str]", line: str, later: float) -> str:
    """What it printed until Ctrl-C, so many seconds after that line, and from there to its end."""
    assert making.stdout is not None
    seen = []
    for text in making.stdout:
        seen.append(text)
        if line in text:
            break
    time.sleep(later)
    os.killpg(making.pid, signal.SIGINT)
    rest = making.communicate(timeout=60)[0]
    return "".join(seen) + rest


def unfinished(newcomer: Newcomer) -> list[str]:
    """Folders that are filled beside their place, and would never be looked at again."""
    return [path.name for path in newcomer.cache.glob("*") if path.suffix not in ("", ".9", ".lock")]


def test_an_interrupted_setup_leaves_nothing_goes_on_from_there_and_needs_no_network_afterwards(
    newcomer: Newcomer,
) -> None:
    checkout = newcomer.checkout("demo")
    for line, later in STAGES:
        making = newcomer.make(checkout, "setup")
        printed = interrupted(making, line, later)
        assert line in printed, printed
        assert making.returncode != 0, printed
        assert "Traceback" not in printed
        assert newcomer.processes() == []
        assert unfinished(newcomer) == []
    whole = newcomer.make(checkout, "setup")
    printed = whole.communicate(timeout=LIMIT)[0]
    assert whole.returncode == 0, printed
    assert "uv 0.13.9 into" not in printed  # it was there, or was finished, by then
    for folder in cache_folder().glob("istio-*"):
        shutil.copytree(folder, newcomer.cache / folder.name)
    offline = (*NAMESPACES, "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh")
    again = newcomer.make(checkout, "up", *offline)
    printed = again.communicate(timeout=LIMIT)[0]
    stopped = newcomer.make(checkout, "down")
    stopped.communicate(timeout=60)
    assert again.returncode == 0, printed
    assert "nothing has to be fetched" in printed
    assert "[setup]" not in printed
    assert "[page]" not in printed
    assert stopped.returncode == 0


def test_two_checkouts_that_are_set_up_at_once_both_work_and_share_one_cache(newcomer: Newcomer) -> None:
    checkouts = [newcomer.checkout(name) for name in ("one", "two")]
    making = [newcomer.make(checkout, "setup") for checkout in checkouts]
    printed = [one.communicate(timeout=LIMIT)[0] for one in making]
    assert [one.returncode for one in making] == [0, 0], printed
    assert unfinished(newcomer) == []
    assert [path.name for path in newcomer.cache.glob("uv-*")] == ["uv-0.13.9"]
    for checkout in checkouts:
        assert (checkout / "demo" / "dashboard" / "web" / "dist" / ".figtree-built").exists()
        figtree = [str(checkout / ".venv" / "bin" / "figtree"), "doctor"]
        done = subprocess.run(
            figtree, cwd=checkout, env=newcomer.env, capture_output=True, text=True, check=False
        )
        assert done.stdout.splitlines()[0] == "machine:", done.stderr
