"""Checks of quotes and orders: every price is worked out again, every sum is added up again."""

import re
from decimal import Decimal
from typing import Any

from loadtests.answer import Answer, Wrong, amount, fields, same
from loadtests.baskets import Basket
from loadtests.reference import Reference, at_smallest_unit, break_percent, unit_price

STATUSES = ("placed", "accepted", "shipped")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
ORDER_FIELDS = (
    "id",
    "customer_id",
    "status",
    "currency",
    "lines",
    "discount_percent",
    "total",
    "created_at",
)
ORDER_LINE = ("title_id", "quantity", "unit_price", "total")


def quote(reference: Reference, basket: Basket, fixed: str, answer: Answer) -> None:
    """`fixed` names a basket whose quote never changes."""
    found = answer.json()
    found.pop("titles_as_of", None)  # while the catalogue does not answer; the amounts are the same
    fields("the quote", found, ("currency", "lines", "total", "rate_date"))
    same("the currency", found["currency"], basket.currency)
    same("the date of the rates", found["rate_date"], reference.latest.date)
    for (title_id, quantity), line in zip(basket.lines, found["lines"], strict=False):
        fields("the line", line, (*ORDER_LINE, "list_price", "discount_percent"))
        listed = line["list_price"]
        price = (amount("the list price", listed["amount"]), listed["currency"])
        same("the list price", price, reference.prices[title_id])
        percent = amount("the discount", line["discount_percent"])
        same("the discount", percent, Decimal(break_percent(quantity)))
    same("the total", amount("the total", found["total"]), lines_total(reference, basket, found["lines"]))
    if fixed:
        same(f"the quote of {fixed}", found, reference.first.setdefault(fixed, found))


def lines_total(reference: Reference, basket: Basket, lines: list[dict[str, Any]]) -> Decimal:
    """The sum of the lines, once each of them is right."""
    same("the number of lines", len(lines), len(basket.lines))
    total = Decimal(0)
    for (title_id, quantity), line in zip(basket.lines, lines, strict=True):
        same("the line", (line["title_id"], line["quantity"]), (title_id, quantity))
        unit = amount("the unit price", line["unit_price"])
        same(
            f"the unit price of {title_id}", unit, unit_price(reference, title_id, quantity, basket.currency)
        )
        same(f"the total of {title_id}", amount("the line total", line["total"]), unit * quantity)
        total += unit * quantity
    return total


def order(reference: Reference, customer: str, basket: Basket, found: dict[str, Any]) -> None:
    fields("the order", found, ORDER_FIELDS)
    same("the customer", found["customer_id"], customer)
    same("the currency", found["currency"], basket.currency)
    if not UUID.fullmatch(found["id"]) or not INSTANT.fullmatch(found["created_at"]):
        raise Wrong(f"the order's id or time is malformed: {found['id']} {found['created_at']}")
    if found["status"] not in STATUSES:
        raise Wrong(f"there is no status {found['status']!r}")
    for line in found["lines"]:
        fields("the line", line, ORDER_LINE)
    discount = amount("the discount", found["discount_percent"])
    if discount:  # nobody has one while orders are the monolith's; later each customer always has the same
        first = reference.first.setdefault(f"discount of {customer}", discount)
        same(f"the discount of {customer}", discount, first)
    exact = lines_total(reference, basket, found["lines"]) * (1 - discount / 100)
    same("the total", amount("the total", found["total"]), at_smallest_unit(exact, basket.currency))


def same_order(earlier: dict[str, Any], found: dict[str, Any]) -> None:
    """Nothing but the status may have changed since, and that only forward."""
    same("the order", {**found, "status": ""}, {**earlier, "status": ""})
    if STATUSES.index(found["status"]) < STATUSES.index(earlier["status"]):
        raise Wrong(f"the status went back from {earlier['status']} to {found['status']}")


def newest_first(customer: str, page_size: int, answer: Answer) -> None:
    page = answer.json()
    fields("the page", page, ("orders", "next_page_token"))
    ids = [found["id"] for found in page["orders"]]
    same("the order of the orders", ids, sorted(set(ids), reverse=True))
    same("the customers", {found["customer_id"] for found in page["orders"]} | {customer}, {customer})
    if len(ids) > page_size:
        raise Wrong(f"a page of {page_size} has {len(ids)} orders")
