"""Users who order one by one, and watch what becomes of it."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from loadtests import checks, pricing
from loadtests.answer import Answer, Wrong, same
from loadtests.baskets import CUSTOMERS, Basket, draw
from loadtests.orderer import Orderer
from loadtests.stream import watch


class Buyer(Orderer):
    weight = 20

    def script(self) -> Iterator[None]:
        reference = self.shared.reference
        while True:
            basket, customer = draw(self.random, reference), self.random.choice(CUSTOMERS)
            key = self.new_key()
            check = partial(pricing.quote, reference, basket, "")
            self.call("quote", "POST", "/api/quotes", check, content=basket.content())
            yield
            order = self.place(customer, key, basket)
            yield
            if order is None:
                continue
            self.look(order)
            yield
            choice = self.random.random()
            if choice < 0.3:
                self.repeat(customer, key, basket, order)
                yield
            elif choice < 0.4:
                self.contradict(customer, key, basket.more())
                yield
            elif choice < 0.5:
                self.list_newest(customer)
                yield

    def repeat(self, customer: str, key: str, basket: Basket, order: dict[str, Any]) -> None:
        def check(answer: Answer) -> None:
            found = answer.json()
            self.note(customer, key, found)
            same("the status", answer.status, 200)
            pricing.same_order(order, found)

        content = basket.content(customer_id=customer)
        path, statuses = "/api/orders", (200, 201)
        self.begin(customer, key)
        self.call("order, repeated", "POST", path, check, statuses=statuses, content=content, key=key)

    def contradict(self, customer: str, key: str, basket: Basket) -> None:
        def check(answer: Answer) -> None:
            if answer.status in (200, 201):
                self.note(customer, key, answer.json())
                raise Wrong(f"the key {key} was taken for an order with other content")
            checks.problem("idempotency-conflict", f"the key {key} was used", answer)

        content = basket.content(customer_id=customer)
        self.begin(customer, key)
        self.call(
            "order, conflict",
            "POST",
            "/api/orders",
            check,
            statuses=(409, 200, 201),
            content=content,
            key=key,
        )


class Watcher(Orderer):
    weight = 10

    def script(self) -> Iterator[None]:
        while True:
            basket, customer = draw(self.random, self.shared.reference), self.random.choice(CUSTOMERS)
            order = self.place(customer, self.new_key(), basket)
            yield
            if order is None:
                continue
            after = 1 if self.random.random() < 0.1 else 0
            shipped = watch(self, order["id"], after)
            yield
            if shipped:
                self.look(order, "shipped")
                yield
