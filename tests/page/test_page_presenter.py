"""The course presented in a terminal, and the view of the page that follows it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pexpect
import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import FIGTREE, ROOT, Open, System
from tests.support.keys import press

LAST_ROW = (1280, 720)
READABLE = 20  # pixels of the smallest text: a 36th of the height
READY = 240  # seconds until a system in any shape is in that of the chapter
SOON = 30
FAULT = "istio/chaos/edge-currency-abort-500-50.yaml"
# The texts of the view in pixels of the screen, and where they end; what is drawn has its drawing's scale.
TEXTS = """() => [...document.querySelectorAll("main.presentation :is(h2, p, b, span, code, text)")]
  .filter(one => [...one.childNodes].some(part => part.nodeType === 3 && part.textContent.trim()))
  .filter(one => !one.closest(".visually-hidden") && one.checkVisibility())
  .map(one => {
    const scale = one instanceof SVGGraphicsElement ? one.getScreenCTM().a : 1;
    const {right, bottom} = one.getBoundingClientRect();
    return [one.textContent.trim(), parseFloat(getComputedStyle(one).fontSize) * scale, right, bottom];
  })"""

pytestmark = [
    pytest.mark.system,
    # The process of the browser has threads of its own; the child is another program at once.
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of forkpty:DeprecationWarning"),
]


@contextmanager
def presenting(system: System, *arguments: str) -> Iterator[pexpect.spawn]:
    terminal = pexpect.spawn(
        FIGTREE,
        ["present", *arguments],
        cwd=str(ROOT),
        env=system.env,
        encoding="utf-8",
        dimensions=(30, 100),
        timeout=SOON,
    )
    try:
        yield terminal
    finally:
        terminal.close(force=True)
        system.figtree("diff", "--heal")


def read_from_the_last_row(page: Page) -> None:
    texts = page.evaluate(TEXTS)
    assert len(texts) > 12
    assert [(text, size) for text, size, *_ in texts if size < READABLE] == []
    assert [(text, right, bottom) for text, _, right, bottom in texts if right > 1280 or bottom > 720] == []
    overflow = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    assert page.evaluate(overflow) == list(LAST_ROW)


@pytest.mark.timeout(480)
def test_a_chapter_is_presented_by_keys_and_the_page_follows(
    system: System, open_page: Open, edge: httpx.Client
) -> None:
    page = open_page("presentation", size=LAST_ROW)
    title, command, figure = (page.locator(place) for place in ("h2", ".command", ".figure b"))
    expect(title).to_have_text("Nobody presents now")
    with presenting(system, "12", "13") as terminal:
        terminal.expect_exact("12 Chaos")
        expect(title).to_have_text("12 Chaos")
        terminal.expect_exact(f"$ figtree apply {FAULT}", timeout=READY)
        expect(command).to_contain_text(FAULT)
        expect(page.locator(".note")).to_contain_text("HTTP 500")
        expect(figure).to_have_text("0 %")
        press(terminal, "\r")
        terminal.expect_exact("$ for i in")
        press(terminal, "\r")
        terminal.expect(r"[1-9]\d* 500\r")
        expect(figure).to_have_text(re.compile(r"^[1-9]\d* %$"))
        expect(command).to_contain_text("figtree logs ingress")
        read_from_the_last_row(page)
        press(terminal, "r")
        terminal.expect(r"[1-9]\d* 500\r")
        press(terminal, "p")
        expect(command).to_have_text("pause")
        press(terminal, " ")
        terminal.expect_exact("Enter runs")
        press(terminal, "\x03")  # Ctrl-C
        terminal.expect_exact("the system is left as it is, in shape 5-no-monolith")
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 130
        expect(title).to_have_text("Nobody presents now")
        assert 500 in {edge.get("/api/rates").status_code for _ in range(20)}


@pytest.mark.timeout(480)
def test_a_rehearsal_needs_no_keys_and_finds_what_the_pages_show(system: System) -> None:
    with presenting(system, "--rehearse", "5", "6") as terminal:
        terminal.expect(r"5 gRPC +│ +[\d.]+ │ +[\d.]+ │ +0 │ +1 │", timeout=READY)
        terminal.expect(r"6 Netflix OSS +│ +[\d.]+ │ +[\d.]+ │ +0 │ +2 │")
        terminal.expect(r"2 chapters, \d+ s: ")
        terminal.expect_exact("the system is left as it is, in shape 5-no-monolith")
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 0
