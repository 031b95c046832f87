"""Browsers that lack something: the page says what, and is never blank."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.system

Open = Callable[..., Page]
HINDI, POSIX, NONSENSE = "hi-Deva-IN", "en-US@posix", "x"


@pytest.fixture
def odd_page(browser: Browser, address: str) -> Iterator[Open]:
    """Opens a view in a browser that a script has changed before the page's own."""
    context = browser.new_context()

    def open_with(script: str, view: str = "system") -> Page:
        context.add_init_script(script)
        page = context.new_page()
        page.goto(f"{address}#/{view}")
        return page

    yield open_with
    context.close()


@pytest.mark.parametrize("language", [HINDI, POSIX, NONSENSE])
def test_the_page_stands_in_every_language_that_a_browser_claims(odd_page: Open, language: str) -> None:
    page = odd_page(
        f"Object.defineProperty(navigator, 'language', {{ value: '{language}', configurable: true }})"
    )
    expect(page.locator(".node").first).to_be_visible()


def test_without_storage_the_colours_can_still_be_changed(odd_page: Open) -> None:
    page = odd_page("Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused') } })")
    expect(page.locator(".node").first).to_be_visible()
    page.get_by_role("button", name="Colours: auto").click()
    expect(page.get_by_role("button", name="Colours: light")).to_be_visible()


def test_without_server_sent_events_the_page_says_what_is_missing(odd_page: Open) -> None:
    page = odd_page("delete window.EventSource")
    expect(page.get_by_role("status")).to_contain_text("no server-sent events")
    expect(page.get_by_role("navigation")).to_be_visible()


def test_a_view_that_fails_leaves_the_others_alone(odd_page: Open) -> None:
    page = odd_page("", "shop")
    page.route("**/api/titles*", lambda route: route.fulfill(json={"titles": [{}], "next_page_token": ""}))
    page.get_by_role("searchbox").fill("austen")
    expect(page.get_by_role("alert")).to_contain_text("The view Shop cannot be shown")
    page.get_by_role("link", name="Logs").click()
    expect(page.get_by_role("heading", name="Logs")).to_be_attached()
    expect(page.get_by_role("alert")).to_have_count(0)
