"""How an order is placed and looked at, and what is noted of it."""

from itertools import count
from typing import Any

from loadtests import pricing
from loadtests.answer import Answer, Wrong, same
from loadtests.baskets import Basket
from loadtests.client import Caller
from loadtests.history import ABSENT, Begun

PAGE = 5  # orders
_keys = count(1)


class Orderer(Caller):
    abstract = True

    def on_start(self) -> None:
        self._begun: dict[tuple[str, str], Begun] = {}
        super().on_start()

    def new_key(self) -> str:
        return f"{self.shared.ledger.run}-{next(_keys)}"

    def begin(self, customer: str, key: str) -> None:
        """A request that may place the order of this key is about to be sent."""
        self._begun[customer, key] = self.shared.history.begin(
            self.number, "place", customer=customer, key=key
        )

    def note(self, customer: str, key: str, order: dict[str, Any]) -> None:
        """Before the answer is checked: also a wrong order is an order that is stored."""
        if begun := self._begun.pop((customer, key), None):
            begun.end(id=order["id"], status=order["status"])
        known = self.shared.ledger.placed(customer, key, order["id"], order["total"], order["currency"])
        if known is None:
            self.shared.recorder.order_placed()
        elif known != order["id"]:
            raise Wrong(f"the key {key} has a second order, {order['id']} besides {known}")

    def place(self, customer: str, key: str, basket: Basket) -> dict[str, Any] | None:
        """Orders, and does what a customer does who got no answer: asks once more with the same key."""
        self.shared.ledger.attempt(customer, key)
        order = self._post("order", customer, key, basket, (201,))
        if order is None and self.shared.ledger.is_unknown(customer, key):
            order = self._post("order, again", customer, key, basket, (200, 201))
        return order

    def _post(
        self, name: str, customer: str, key: str, basket: Basket, statuses: tuple[int, ...]
    ) -> dict[str, Any] | None:
        def check(answer: Answer) -> dict[str, Any]:
            found: dict[str, Any] = answer.json()
            self.note(customer, key, found)
            same("the location", answer.headers.get("location"), f"/api/orders/{found['id']}")
            pricing.order(self.shared.reference, customer, basket, found)
            return found

        content = basket.content(customer_id=customer)
        self.begin(customer, key)
        return self.call(name, "POST", "/api/orders", check, statuses=statuses, content=content, key=key)

    def look(self, order: dict[str, Any], status: str = "") -> None:
        def check(answer: Answer) -> None:
            if answer.status == 404:
                begun.end(status=ABSENT)
                raise Wrong(f"the order {order['id']} was acknowledged and is not found")
            found = answer.json()
            begun.end(status=found["status"])
            pricing.same_order(order, found)
            if status:
                same("the status", found["status"], status)

        begun = self.shared.history.begin(self.number, "read", id=order["id"])
        self.call("order by id", "GET", f"/api/orders/{order['id']}", check, statuses=(200, 404))

    def list_newest(self, customer: str) -> None:
        def check(answer: Answer) -> None:
            pricing.newest_first(customer, PAGE, answer)
            begun.end(orders=[(found["id"], found["status"]) for found in answer.json()["orders"]])

        begun = self.shared.history.begin(self.number, "list", customer=customer, size=str(PAGE))
        self.get("orders", f"/api/orders?customer_id={customer}&page_size={PAGE}", check)
