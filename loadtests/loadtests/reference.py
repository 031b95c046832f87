"""What right answers are: the shipped catalogue, the rules of docs/architecture.md, and the first answers."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from importlib import resources
from typing import Any

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # past the proxies of the environment
WITHOUT_DECIMALS = frozenset({"ISK", "JPY", "KRW"})
BREAKS = ((100, 15), (50, 10), (10, 5))
FIXED_DATES = {  # asked for: answered; the third is a Saturday, the fourth New Year's Day
    "1999-01-04": "1999-01-04",
    "2008-09-15": "2008-09-15",
    "2015-08-15": "2015-08-14",
    "2020-01-01": "2019-12-31",
    "2024-02-29": "2024-02-29",
}
KNOWN_RATES = {"1999-01-04": {"USD": Decimal("1.1789"), "GBP": Decimal("0.7111"), "JPY": Decimal("133.73")}}
EIGHT_PLACES = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Rates:
    date: str
    rates: dict[str, Decimal]  # units for one euro, EUR among them

    def cross(self, source: str, target: str) -> Decimal:
        return self.rates[target] / self.rates[source]


@dataclass(frozen=True, slots=True)
class Reference:
    titles: dict[str, dict[str, Any]]
    prices: dict[str, tuple[Decimal, str]]
    latest: Rates
    fixed: dict[str, Rates]  # by the date asked for
    first: dict[str, Any] = field(default_factory=dict)  # first answers to questions that never change


def at_smallest_unit(amount: Decimal, currency: str) -> Decimal:
    unit = Decimal(1) if currency in WITHOUT_DECIMALS else Decimal("0.01")
    return amount.quantize(unit, ROUND_HALF_EVEN)


def break_percent(quantity: int) -> int:
    return next((percent for minimum, percent in BREAKS if quantity >= minimum), 0)


def unit_price(reference: Reference, title_id: str, quantity: int, currency: str) -> Decimal:
    """Rulesets v1 and v2 agree on it, since the load orders less than 250 of a title."""
    amount, listed = reference.prices[title_id]
    rates = reference.latest.rates
    exact = amount * (1 - Decimal(break_percent(quantity)) / 100) * rates[currency] / rates[listed]
    return at_smallest_unit(exact, currency)


def catalogue() -> tuple[dict[str, dict[str, Any]], dict[str, tuple[Decimal, str]]]:
    titles = json.loads((resources.files("loadtests") / "catalogue.json").read_text("utf-8"))
    prices = {t["id"]: (Decimal(t["price"]["amount"]), t["price"]["currency"]) for t in titles}
    return {t["id"]: {k: v for k, v in t.items() if k != "price"} for t in titles}, prices


def capture(host: str, patience: float = 10) -> Reference:
    """Asks once for the rates that all later answers must agree with. Raises OSError or ValueError."""
    titles, prices = catalogue()
    latest = _rates(host, "", time.monotonic() + patience)
    fixed = {date: _rates(host, f"?date={date}", 0) for date in FIXED_DATES}
    for date, answered in FIXED_DATES.items():
        known = KNOWN_RATES.get(date, {})
        if fixed[date].date != answered or any(fixed[date].rates[c] != rate for c, rate in known.items()):
            raise ValueError(f"the rates of {date} are not those of the ECB")
    missing = {listed for _, listed in prices.values()} - latest.rates.keys()
    if missing:
        raise ValueError(f"no rates for {', '.join(sorted(missing))}")
    return Reference(titles, prices, latest, fixed)


def _rates(host: str, query: str, until: float) -> Rates:
    while True:
        try:
            with DIRECT.open(f"{host}/api/rates{query}", timeout=10) as answer:
                table = json.load(answer)
                break
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
    rates = {currency: Decimal(rate) for currency, rate in table["rates"].items()}
    return Rates(table["date"], {**rates, "EUR": Decimal(1)})
