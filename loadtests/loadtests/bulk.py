"""Many orders at once, of which now and then one is bad on purpose and must fail alone."""

import json
from collections.abc import Iterator
from typing import Any

from loadtests import checks, pricing
from loadtests.answer import Answer, Failed, Wrong, fields, same
from loadtests.baskets import CUSTOMERS, Basket, draw, draw_bad
from loadtests.orderer import Orderer


class BulkBuyer(Orderer):
    weight = 4

    def script(self) -> Iterator[None]:
        while True:
            wanted = [self._draw() for _ in range(5)]
            if self.random.random() < 0.3:
                wanted[self.random.randrange(5)] = self._draw(bad=True)
            if self.random.random() < 0.1:
                wanted.append(wanted[0])
            for customer, key, _, _ in wanted:
                self.shared.ledger.attempt(customer, key)
            ids = self.place_all("bulk", wanted)
            yield
            if ids is None or self.random.random() < 0.2:
                again = self.place_all("bulk, again", wanted)
                if ids and again:
                    self.compare(ids, again)
                yield

    def _draw(self, bad: bool = False) -> tuple[str, str, Basket, str]:
        draws = draw_bad(self.random, self.shared.reference) if bad else None
        basket, says = draws or (draw(self.random, self.shared.reference), "")
        return self.random.choice(CUSTOMERS), self.new_key(), basket, says

    def place_all(self, name: str, wanted: list[tuple[str, str, Basket, str]]) -> list[str] | None:
        def check(answer: Answer) -> list[str]:
            found = answer.json()
            same("the number of results", len(found["results"]), len(wanted))
            return [self._result(*one, result) for one, result in zip(wanted, found["results"], strict=True)]

        for customer, key, _, _ in wanted:
            self.begin(customer, key)
        items = [basket.body(customer_id=who, idempotency_key=key) for who, key, basket, _ in wanted]
        content = json.dumps({"orders": items})
        return self.call(name, "POST", "/api/orders/bulk", check, content=content)

    def _result(self, customer: str, key: str, basket: Basket, says: str, result: dict[str, Any]) -> str:
        result.pop("degraded", None)  # while the catalogue does not answer; the amounts are the same
        fields("the result", result, ("idempotency_key", "order", "problem"))
        same("the key", result["idempotency_key"], key)
        order, problem = result["order"], result["problem"]
        if order is not None:
            self.note(customer, key, order)
            if says:
                raise Wrong(f"a bad order was taken: {says} is not said")
            pricing.order(self.shared.reference, customer, basket, order)
            return str(order["id"])
        if not says or problem["status"] >= 500:
            kind = Failed if problem["status"] in (429, 503, 504) else Wrong
            raise kind(f"an order of the bulk: {problem['detail']}")
        checks.problem_body("invalid-request", 400, says, problem)
        self.shared.ledger.refused(customer, key)
        return ""

    def compare(self, ids: list[str], again: list[str]) -> None:
        same("the orders of a repeated bulk", again, ids)
