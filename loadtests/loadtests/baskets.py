"""What the users buy: seeded, from the catalogue, in all its currencies."""

import json
from dataclasses import dataclass
from random import Random

from loadtests.reference import Reference

CUSTOMERS = tuple(f"c-{number}" for number in range(1001, 1031))
CURRENCIES = ("EUR", "EUR", "GBP", "USD", "USD", "CHF", "SEK", "JPY", "PLN", "KRW")
QUANTITIES = (1, 1, 1, 2, 2, 3, 5, 9, 10, 12)
QUOTED = (*QUANTITIES, 49, 50, 99, 100, 240)  # every price break, but no credit limit
NO_TITLE = "t-none"
NO_CURRENCY = "XXX"


@dataclass(frozen=True, slots=True)
class Basket:
    currency: str
    lines: tuple[tuple[str, int], ...]

    def body(self, **more: str) -> dict[str, object]:
        lines = [{"title_id": title_id, "quantity": quantity} for title_id, quantity in self.lines]
        return {**more, "currency": self.currency, "lines": lines}

    def content(self, **more: str) -> str:
        return json.dumps(self.body(**more))

    def more(self) -> "Basket":
        """Another basket, however little."""
        (title_id, quantity), *others = self.lines
        return Basket(self.currency, ((title_id, quantity + 1), *others))


def draw(random: Random, reference: Reference, quantities: tuple[int, ...] = QUANTITIES) -> Basket:
    titles = random.sample(list(reference.titles), random.choice((1, 2, 2, 3, 5)))
    return Basket(random.choice(CURRENCIES), tuple((t, random.choice(quantities)) for t in titles))


def draw_bad(random: Random, reference: Reference) -> tuple[Basket, str]:
    """A basket that must be refused, and the words that must be said."""
    basket = draw(random, reference)
    if random.random() < 0.5:
        return Basket(NO_CURRENCY, basket.lines), f"currency: {NO_CURRENCY} has no rate on"
    lines = (*basket.lines, (NO_TITLE, 1))
    return Basket(basket.currency, lines), f"lines[{len(lines) - 1}].title_id: there is no title {NO_TITLE}"
