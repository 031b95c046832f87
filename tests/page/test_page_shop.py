"""The storefront: what is searched, priced and ordered by hand is what the system has."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal

import httpx
import pytest
from localmesh import LocalRuntime
from playwright.sync_api import Page, expect

from tests.page.conftest import BUSY, Open, System

pytestmark = pytest.mark.system

Picture = Callable[[Page, str], None]
ORDER_TO_TRACE = 2.0  # seconds on a quiet machine


def _shown_total(page: Page) -> Decimal:
    return Decimal(re.sub(r"[^0-9.]", "", page.locator(".basket .total b").inner_text()))


def _fill(page: Page) -> None:
    page.get_by_role("searchbox").fill("moby dick")
    expect(page.locator(".book h3")).to_have_text(["Moby-Dick; or, The Whale"])
    page.get_by_role("button", name="Into the basket: Moby-Dick").click()
    page.get_by_role("searchbox").fill("austen emma")
    page.get_by_role("button", name="Into the basket: Emma").first.click()
    page.get_by_role("spinbutton", name="Copies of Moby-Dick").fill("12")


def _quoted(edge: httpx.Client, page: Page) -> Decimal:
    """What the edge itself says the basket costs."""
    titles = {}
    for words in ("moby dick", "austen emma"):
        found = edge.get("/api/titles", params={"query": words}).json()["titles"][0]
        titles[found["name"]] = found["id"]
    moby, emma = titles.values()
    lines = [{"title_id": moby, "quantity": 12}, {"title_id": emma, "quantity": 1}]
    answer = edge.post("/api/quotes", json={"currency": "EUR", "lines": lines}).raise_for_status()
    return Decimal(answer.json()["total"])


def _ordered(page: Page, edge: httpx.Client) -> dict[str, str]:
    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.locator(".progress li.done")).to_have_count(3)
    order: dict[str, str] = edge.get(f"/api/orders/{page.locator('.placed .id').inner_text()}").json()
    return order


def test_in_the_monolith_a_basket_is_priced_by_requests_and_ordered(
    system: System, open_page: Open, edge: httpx.Client
) -> None:
    page = open_page("shop")
    _fill(page)
    expected = _quoted(edge, page)
    expect(page.locator(".basket .total:not(.stale) b")).to_contain_text(f"{expected:,}")
    way = "POST /api/quotes" if system.status()["shape"] < "3-pricing" else "QuoteStream"
    expect(page.locator(".via")).to_contain_text(way)
    order = _ordered(page, edge)
    assert order["status"] == "shipped"
    assert order["customer_id"] == "c-1001"


@pytest.mark.pictures
def test_services_price_a_basket_over_one_stream_and_an_order_is_traced_to_its_end(
    system: System, open_page: Open, edge: httpx.Client, picture: Picture
) -> None:
    system.reach("5-no-monolith")
    page = open_page("shop")
    _fill(page)
    expected = _quoted(edge, page)
    expect(page.locator(".basket .total:not(.stale) b")).to_contain_text(f"{expected:,}")
    expect(page.locator(".via")).to_contain_text("QuoteStream, gRPC, both ways")
    page.get_by_role("combobox", name="Currency").select_option("JPY")
    expect(page.locator(".basket .total:not(.stale) b")).to_contain_text("JPY")
    page.get_by_role("combobox", name="Currency").select_option("EUR")
    expect(page.locator(".basket .total:not(.stale) b")).to_contain_text(f"{expected:,}")
    picture(page, "shop")
    order = _ordered(page, edge)
    assert _shown_amount(page) == Decimal(order["total"])
    page.get_by_role("link", name="Its trace").click()
    begun = time.monotonic()
    expect(page.get_by_role("heading", name="POST /api/orders")).to_be_visible()
    for service in ("ingress", "gateway", "order", "pricing", "customer"):
        expect(page.locator(f".waterfall .service.of-{service}").first).to_be_visible()
    assert time.monotonic() - begun <= ORDER_TO_TRACE * BUSY
    expect(page.locator(".waterfall", has_text="orders.shipped").first).to_be_visible()
    picture(page, "trace")
    page.locator(".waterfall button").nth(2).click()
    expect(page.locator(".attributes dt").first).to_be_visible()
    page.get_by_role("button", name="Its log lines").click()
    lines = page.get_by_label("Log lines of this trace").locator("li")
    expect(lines).to_contain_text(
        [f"order {order['id']} is {status}" for status in ("placed", "accepted", "shipped")]
    )


def _shown_amount(page: Page) -> Decimal:
    return Decimal(re.sub(r"[^0-9.]", "", page.locator(".placed p b").first.inner_text()))


def test_what_the_edge_refuses_stands_on_the_page(system: System, open_page: Open) -> None:
    system.reach("5-no-monolith")  # the monolith knows no accounts
    page = open_page("shop")
    page.get_by_role("button", name="Into the basket").first.click()
    page.get_by_role("spinbutton").first.fill("10000")
    expect(page.locator(".discount")).to_contain_text("15 %")
    page.get_by_role("combobox", name="Customer").select_option("c-1040")
    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.locator(".notice.bad")).to_contain_text("above the credit limit")


def test_a_second_click_after_a_lost_answer_places_no_second_order(
    system: System, open_page: Open, edge: httpx.Client
) -> None:
    system.reach("5-no-monolith")
    manifest = "istio/chaos/gateway-loses-answers.yaml"

    def orders() -> set[str]:
        found = edge.get("/api/orders", params={"customer_id": "c-1031", "page_size": 100}).raise_for_status()
        return {order["id"] for order in found.json()["orders"]}

    page = open_page("shop")
    page.get_by_role("combobox", name="Customer").select_option("c-1031")
    page.get_by_role("button", name="Into the basket").first.click()
    expect(page.locator(".basket .total:not(.stale) b")).to_contain_text("EUR")
    system.figtree("apply", manifest)
    try:
        before, lost = orders(), 0
        for _ in range(4):  # every other answer is lost: sooner or later it is that of a first click
            page.get_by_role("button", name="Order", exact=True).click()
            placed, refused = page.locator(".placed .id"), page.locator(".notice.bad")
            expect(placed.or_(refused).first).to_be_visible()
            if refused.is_visible():
                lost += 1
                page.get_by_role("button", name="Order", exact=True).click()
                expect(placed).to_be_visible()
                break
            page.reload()
            page.locator(".pulse.live").wait_for()
            page.get_by_role("combobox", name="Customer").select_option("c-1031")
            page.get_by_role("button", name="Into the basket").first.click()
            before = orders()
        assert lost == 1
        assert orders() - before == {placed.inner_text()}
    finally:
        system.figtree("delete", manifest)


@contextmanager
def _without(system: System, workload: str) -> Iterator[None]:
    async def stop() -> None:
        await (await LocalRuntime.connect(system.name)).workloads.stop(workload)

    async def start() -> None:
        await (await LocalRuntime.connect(system.name)).workloads.start(workload)

    with ThreadPoolExecutor(1) as thread:  # Playwright's loop runs in this one
        thread.submit(asyncio.run, stop()).result()
        try:
            yield
        finally:
            thread.submit(asyncio.run, start()).result()


def test_a_price_without_the_catalogue_says_so_and_so_does_the_order(system: System, open_page: Open) -> None:
    system.reach("5-no-monolith")
    page = open_page("shop")
    _fill(page)
    total, note = page.locator(".basket .total:not(.stale) b"), page.locator(".basket .notice:not(.bad)")
    expect(total).to_contain_text("EUR")
    expect(note).to_have_count(0)
    with _without(system, "title"):
        page.get_by_role("spinbutton", name="Copies of Moby-Dick").fill("13")
        expect(note).to_contain_text("The catalogue does not answer. These titles are known from")
        expect(total).to_contain_text("EUR")
        page.get_by_role("button", name="Order", exact=True).click()
        expect(page.locator(".placed .notice")).to_contain_text("while the catalogue did not answer")
