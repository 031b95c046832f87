"""A user who is there for the history: reads at once what was written, by itself and by others."""

from collections import deque
from collections.abc import Iterator
from typing import Any, ClassVar

from loadtests.baskets import CUSTOMERS, draw
from loadtests.orderer import Orderer

READS = 6  # one right after the other: about the time in which an order is accepted


class Auditor(Orderer):
    weight = 20
    recent: ClassVar[deque[dict[str, Any]]] = deque(maxlen=20)

    def script(self) -> Iterator[None]:
        while True:
            customer = self.random.choice(CUSTOMERS)
            order = self.place(customer, self.new_key(), draw(self.random, self.shared.reference))
            if order is not None:
                self.recent.append(order)
                for _ in range(READS):
                    self.look(order)
            self.list_newest(customer)
            yield
            for other in self.random.sample(list(self.recent), min(READS, len(self.recent))):
                self.look(other)
            yield
