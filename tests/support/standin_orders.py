"""The stand-in's prices and orders, honest or not."""

import random
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import uuid_utils
from loadtests.ledger import Row
from loadtests.reference import BREAKS, Reference, unit_price

STATUSES = ("placed", "accepted", "shipped")
STEP = 0.1  # seconds between them


class Orders:
    def __init__(self, fault: str, reference: Reference) -> None:
        self.fault, self._reference = fault, reference
        self.rows: list[Row] = []
        self.all: dict[str, tuple[float, dict[str, Any]]] = {}
        self._keys: dict[tuple[str, str], tuple[dict[str, Any], str]] = {}
        self._random = random.Random(fault)

    def priced(self, basket: dict[str, Any], *, listed: bool) -> dict[str, Any] | str:
        currency, lines, sum_ = basket["currency"], [], Decimal(0)
        if currency not in self._reference.latest.rates:
            return f"currency: {currency} has no rate on {self._reference.latest.date}"
        for number, line in enumerate(basket["lines"]):
            title_id, quantity = line["title_id"], line["quantity"]
            if title_id not in self._reference.titles:
                return f"lines[{number}].title_id: there is no title {title_id}"
            unit = unit_price(self._reference, title_id, quantity, currency)
            unit += 1 if self.fault == "price" and title_id.endswith("7") else 0
            sum_ += unit * quantity
            priced = {
                "title_id": title_id,
                "quantity": quantity,
                "unit_price": f"{unit:f}",
                "total": f"{unit * quantity:f}",
            }
            if listed:
                priced["list_price"] = money(*self._reference.prices[title_id])
                priced["discount_percent"] = str(next((p for least, p in BREAKS if quantity >= least), 0))
            lines.append(priced)
        return {
            "currency": currency,
            "lines": lines,
            "total": f"{sum_ + (1 if self.fault == 'sum' else 0):f}",
        }

    def store(self, wanted: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        at, content = (wanted["customer_id"], key), repr(sorted(wanted.items()))
        if at in self._keys and self.fault != "doubled":
            known, earlier = self._keys[at]
            if content == earlier:
                return 200, self.now(known["id"])
            if self.fault != "taken":
                return 409, {
                    "reason": "idempotency-conflict",
                    "detail": f"the key {key} was used for an order",
                }
        priced = self.priced(wanted, listed=False)
        if isinstance(priced, str):
            return 400, {"reason": "invalid-request", "detail": priced}
        order = {
            "id": str(uuid_utils.uuid7()),
            "customer_id": wanted["customer_id"],
            "status": "placed",
            "discount_percent": "0",
            "created_at": instant(),
            **priced,
        }
        self.all[order["id"]] = (time.monotonic(), order)
        self._keys[at] = (order, content)
        row = Row(order["id"], order["customer_id"], key, Decimal(order["total"]))
        times = {"lost": self._random.random() > 0.2, "stored-twice": 2}.get(self.fault, 1)
        self.rows += [row] * times
        return 201, order

    def now(self, order_id: str) -> dict[str, Any]:
        since, order = self.all[order_id]
        return {**order, "status": STATUSES[min(int((time.monotonic() - since) / STEP), 2)]}


def instant() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def money(amount: Decimal, currency: str) -> dict[str, str]:
    return {"amount": f"{amount:f}", "currency": currency}
