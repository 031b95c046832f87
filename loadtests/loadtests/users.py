"""Who the load is made of. The weights are shares of the requests, since every user makes one a second."""

import re
from collections.abc import Iterator
from functools import partial
from urllib.parse import quote as quoted

from loadtests import checks, pricing
from loadtests.baskets import NO_CURRENCY, NO_TITLE, QUOTED, draw, draw_bad
from loadtests.client import Caller
from loadtests.reference import FIXED_DATES

AMOUNTS = ("0.01", "1", "12.50", "99.995", "1000", "123456.78", "-7.25")
WORD = re.compile(r"[A-Za-z]{5,}")
PAGE = 20


class Browser(Caller):
    weight = 46

    def script(self) -> Iterator[None]:
        while True:
            browse = self.random.choices(
                (self.search, self.title, self.rates, self.convert, self.mistake), (10, 16, 6, 10, 1)
            )[0]
            yield from browse()

    def search(self) -> Iterator[None]:
        reference = self.shared.reference
        wanted = self.random.choice(list(reference.titles.values()))
        words = [w for w in wanted["name"].split() if WORD.fullmatch(w)][:2]
        query, sought = (" ".join(words), wanted["id"]) if words else ("", "")
        path = f"/api/titles?query={quoted(query)}&page_size={PAGE}"
        check = partial(checks.search, reference, query, PAGE, sought)
        token = self.get("search titles", path, check)
        yield
        if token:
            last = reference.first[f"search {query} {PAGE}"][-1]
            more = f"{path}&page_token={quoted(token)}"
            self.get("search titles, next page", more, partial(checks.next_page, query, last))
            yield

    def title(self) -> Iterator[None]:
        title_id = self.random.choice(list(self.shared.reference.titles))
        self.get("title", f"/api/titles/{title_id}", partial(checks.title, self.shared.reference, title_id))
        yield

    def rates(self) -> Iterator[None]:
        date = self.random.choice(("", *FIXED_DATES))
        known = self.shared.reference.fixed[date] if date else self.shared.reference.latest
        self.get("rates", f"/api/rates{'?date=' if date else ''}{date}", partial(checks.rates, known))
        yield

    def convert(self) -> Iterator[None]:
        date = self.random.choice(("", *FIXED_DATES))
        known = self.shared.reference.fixed[date] if date else self.shared.reference.latest
        source, target = self.random.sample(sorted(known.rates), 2)
        amount = self.random.choice(AMOUNTS)
        path = f"/api/convert?amount={amount}&from={source}&to={target}{'&date=' if date else ''}{date}"
        self.get("convert", path, partial(checks.conversion, known, amount, source, target))
        yield

    def mistake(self) -> Iterator[None]:
        if self.random.random() < 0.5:
            check = partial(checks.problem, "not-found", f"there is no title {NO_TITLE}")
            self.get("title, unknown", f"/api/titles/{NO_TITLE}", check, 404)
        else:
            check = partial(checks.problem, "invalid-request", f"to: {NO_CURRENCY} has no rate on")
            self.get("convert, unknown", f"/api/convert?amount=1&from=EUR&to={NO_CURRENCY}", check, 400)
        yield


class Quoter(Caller):
    weight = 20

    def script(self) -> Iterator[None]:
        reference = self.shared.reference
        while True:
            choice = self.random.random()
            if choice < 0.03:
                bad, says = draw_bad(self.random, reference)
                check = partial(checks.problem, "invalid-request", says)
                self.call("quote, bad", "POST", "/api/quotes", check, statuses=(400,), content=bad.content())
            else:
                fixed = f"basket {self.random.randrange(20)}" if choice < 0.3 else ""
                random = type(self.random)(f"{self.shared.seed} {fixed}") if fixed else self.random
                basket = draw(random, reference, QUOTED)
                self.call(
                    "quote",
                    "POST",
                    "/api/quotes",
                    partial(pricing.quote, reference, basket, fixed),
                    content=basket.content(),
                )
            yield
