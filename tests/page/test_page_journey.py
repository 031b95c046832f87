"""The journey by its buttons: what the page shows is where the system stands."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Open, System

Picture = Callable[[Page, str], None]
STEP = 120_000  # milliseconds


@pytest.mark.pictures
@pytest.mark.system
@pytest.mark.alone
def test_a_step_is_taken_and_taken_back_by_its_buttons(
    system: System, open_page: Open, picture: Picture
) -> None:
    page = open_page("journey")
    shapes = page.locator(".steps > li")
    expect(shapes).to_have_count(6)
    shape = system.status()["shape"]
    expect(page.locator("[aria-current=step] h3")).to_contain_text(shape)
    if shape == "5-no-monolith":
        page.get_by_role("button", name="Back").click()
        expect(page.locator("[aria-current=step] h3")).to_contain_text("4-order", timeout=STEP)
        page.get_by_role("button", name="Step to 5-no-monolith").click()
        expect(page.locator("[aria-current=step] h3")).to_contain_text("5-no-monolith", timeout=STEP)
        assert system.status()["shape"] == "5-no-monolith"
        return
    page.get_by_role("button", name="Step to").click()
    expect(page.locator(".phases .running b")).to_have_text("co-exist", timeout=STEP)
    picture(page, "journey")
    expect(page.locator("[aria-current=step] h3")).not_to_contain_text(shape, timeout=STEP)
    expect(page.locator(".lines .report")).to_contain_text("rows compared", timeout=STEP)
    after = system.status()["shape"]
    assert after > shape
    expect(page.locator("[aria-current=step] h3")).to_contain_text(after)
    page.get_by_role("button", name="Back").click()
    expect(page.locator("[aria-current=step] h3")).to_contain_text(shape, timeout=STEP)
    assert system.status()["shape"] == shape
    # the shape is reached before the way back has come to its end
    expect(page.get_by_role("button", name="Step to")).to_be_enabled(timeout=STEP)
