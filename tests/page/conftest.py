"""The page of a running system in a real browser. FIGTREE_PAGE names an instance that runs already, in any shape."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FIGTREE = str(Path(sys.executable).with_name("figtree"))
BUSY = 4  # times as long as on a quiet machine, where other tests run beside these
WIDE, PHONE = (1440, 900), (390, 844)


class System:
    """The running system, asked past the page: what the page shows must agree."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.env = os.environ | {
            "FIGTREE_NAME": name,
            "RUNTIME": "local",
            "DWELL": "0.3",
            "MESH_NETWORK": "auto",
        }

    def figtree(self, *arguments: str) -> str:
        done = subprocess.run(
            [FIGTREE, *arguments], env=self.env, capture_output=True, text=True, check=False, timeout=280
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.figtree("status", "--json"))
        return found

    def reach(self, shape: str) -> None:
        if self.status()["shape"] < shape:
            self.figtree("step", shape)

    @contextmanager
    def first(self, workload: str, counter: str) -> Iterator[Callable[[], float]]:
        """Watches a proxy; gives what tells when it first counted more than before."""
        watcher = [sys.executable, "-m", "tests.page.first", self.name, workload, counter]
        command = [FIGTREE, "exec", "--", *watcher]
        with subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "watching\n"
            try:
                yield lambda: float(process.stdout.readline()) if process.stdout else 0.0
            finally:
                process.kill()


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    if name := os.environ.get("FIGTREE_PAGE"):
        yield System(name)
        return
    system = System(f"page-{os.getpid()}")
    system.figtree("up")
    yield system
    system.figtree("down")


@pytest.fixture(scope="session")
def address(system: System) -> str:
    if not (ROOT / "demo" / "dashboard" / "web" / "dist" / "index.html").exists():
        pytest.skip("the page is not built: make page")
    return system.figtree("page").strip()


@pytest.fixture(scope="session")
def edge(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.figtree("edge").strip(), trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for longer than a module: meanwhile no other test of this process can have an event loop."""
    found = subprocess.run(
        [ROOT / "tests/page/chromium"], capture_output=True, text=True, check=False, timeout=600
    )
    if found.returncode:
        pytest.skip(found.stderr.strip())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found.stdout.strip(), args=OPTIONS)
        yield browser
        browser.close()


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Open]:
    """Opens a view; whatever the browser complains about, a violated policy for one, fails the test."""
    contexts: list[BrowserContext] = []
    origin = address.partition("/?")[0]
    complaints: list[str] = []

    def complain(kind: str, text: str) -> None:
        complaints.append(f"{kind}: {text}")

    def hear(message: ConsoleMessage) -> None:
        refused = f"{origin}/api/" in message.location["url"]  # the edge may say no: the page shows it
        if message.type in ("error", "warning") and not refused:
            complain(message.type, message.text)

    def open_(view: str = "system", size: tuple[int, int] = WIDE, scheme: str = "light") -> Page:
        width, height = size
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complain("error", str(error)))
        page.on("console", hear)
        page.goto(f"{address}#/{view}")
        page.locator(".pulse.live").wait_for()
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keeps what is seen where FIGTREE_PICTURES asks for it."""

    def take(page: Page, name: str) -> None:
        if os.environ.get("FIGTREE_PICTURES"):
            PICTURES.mkdir(exist_ok=True)
            page.screenshot(path=PICTURES / f"{name}.png")

    return take
