"""Scenes by their buttons: the effect is in the graph while it lasts, the verdict is the command's."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Open, System

Picture = Callable[[Page, str], None]
LIMIT = 150_000  # milliseconds

# The scene, and what has to be seen in the graph while it is acted out.
EFFECTS = {
    "canary-weight": ".graph .version text:text-matches('v2 · [1-9][0-9]* % of 10 %')",
    "circuit-breaker": ".graph .second:has-text('overflowed')",
    "outlier-detection": ".graph .second:has-text('ejected')",
}


@pytest.mark.parametrize("name", EFFECTS)
def test_a_scene_is_run_seen_and_judged(system: System, open_page: Open, picture: Picture, name: str) -> None:
    system.reach("5-no-monolith")
    page = open_page(f"scenes/{name}")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(EFFECTS[name]).first).to_be_visible(timeout=LIMIT)
    picture(page, name)
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("Passed", timeout=LIMIT)
    assert page.locator(".figures dd").count() > 0
    assert page.locator(".lines .seen").count() > 0
    expect(page.locator(".list a[aria-current] .mark.passed")).to_be_visible()
