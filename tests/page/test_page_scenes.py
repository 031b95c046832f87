"""Scenes by their buttons: the effect is in the graph while it lasts, the verdict is the command's."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import BUSY, Open, System

Picture = Callable[[Page, str], None]
Record = Callable[[str, object], None]
LIMIT = 150_000  # milliseconds
SEEN = 2.0  # seconds from the proxy's count to the page, on a quiet machine

# The scene, what has to be seen in the graph while it is acted out, and who counts it first.
EFFECTS = {
    "canary-weight": (
        ".graph .version text:text-matches('v2 · [1-9][0-9]* % of 10 %')",
        "gateway",
        r"\|v2\|pricing\.[^;]*;\.upstream_rq_total$",
    ),
    "circuit-breaker": (
        ".graph .second:has-text('overflowed')",
        "ingress",
        r";\.upstream_rq_pending_overflow$",
    ),
    "outlier-detection": (".graph .second:has-text('ejected')", "gateway", r"ejections_active$"),
}

PICTURED = "circuit-breaker"
NAMES = [pytest.param(name, marks=[pytest.mark.pictures] if name == PICTURED else []) for name in EFFECTS]


@pytest.mark.system
@pytest.mark.alone
@pytest.mark.parametrize("name", NAMES)
def test_a_scene_is_run_seen_and_judged(
    system: System, open_page: Open, picture: Picture, record_property: Record, name: str
) -> None:
    system.reach("5-no-monolith")
    shown, workload, counter = EFFECTS[name]
    page = open_page(f"scenes/{name}")
    with system.first(workload, counter) as counted:
        page.get_by_role("button", name="Run").click()
        expect(page.locator(shown).first).to_be_visible(timeout=LIMIT)
        late = time.time() - counted()
    record_property("seconds from the proxy's count to the page", round(late, 2))
    assert late <= SEEN * BUSY
    picture(page, name)
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("Passed", timeout=LIMIT)
    assert page.locator(".figures dd").count() > 0
    assert page.locator(".lines .seen").count() > 0
    expect(page.locator(".list a[aria-current] .mark.passed")).to_be_visible()
