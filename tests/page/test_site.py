"""The documentation's site in a real browser, at an address that only the browser knows: it is read from the folder."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.page.conftest import PHONE, ROOT, WIDE

SITE = "http://figtree.example"
PAGES = (
    "", "quick-start/", "machines/", "scenes/", "troubleshooting/", "architecture/", "k8s/", "istio/",
    "istio/canary/pricing-90-10.yaml/", "decisions/", "reports/phases-and-faults/", "reference/cli/",
    "reference/rest/", "course/", "course/11-resilience/", "reference/grpc/", "reference/events/",
    "reference/settings/",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [str(Path(sys.executable).with_name("mkdocs")), "build", "--site-dir", str(folder)]
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(params=[PHONE, WIDE], ids=["phone", "wide"])
def page(request: pytest.FixtureRequest, browser: Browser, site: Path) -> Iterator[Page]:
    """A page of the site; a request to another host, a missing file or an error of a script fails the test."""
    complaints: list[str] = []

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix(SITE).partition("?")[0].lstrip("/")
        file = site / path / "index.html" if (site / path).is_dir() else site / path
        if route.request.url.startswith(SITE) and file.is_file():
            route.fulfill(path=file)
        else:
            complaints.append(route.request.url)
            route.abort()

    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.route("**/*", serve)
    yield page
    context.close()
    assert complaints == []


def test_pages_fit_the_width_of_the_screen_and_load_nothing_from_elsewhere(page: Page) -> None:
    assert page.viewport_size
    too_wide = []
    for path in PAGES:
        page.goto(f"{SITE}/{path}", wait_until="load")
        if page.evaluate("document.documentElement.scrollWidth") > page.viewport_size["width"]:
            too_wide.append(path)
    assert too_wide == []


def test_diagrams_are_drawn(page: Page) -> None:
    page.goto(f"{SITE}/architecture/")
    expect(page.locator("div.mermaid")).to_be_visible()  # the theme puts the picture in the place of the text
    box = page.locator("div.mermaid").bounding_box()
    assert box
    assert box["height"] > 40


def test_the_search_finds_a_page_by_a_word(page: Page) -> None:
    page.goto(f"{SITE}/")
    assert page.viewport_size
    if page.viewport_size["width"] < 1000:
        page.locator("label[for=__search].md-header__button").click()
    page.locator("input.md-search__input").fill("fence")
    expect(page.locator(".md-search-result__item").first).to_be_visible()
