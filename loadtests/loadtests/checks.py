"""Checks of the answers about titles and rates, and of problems."""

import re
from decimal import Decimal
from typing import Any

from loadtests.answer import Answer, Wrong, amount, fields, same
from loadtests.reference import EIGHT_PLACES, Rates, Reference, at_smallest_unit

TITLE_FIELDS = ("id", "isbn13", "name", "authors", "format", "publisher", "year")


def title(reference: Reference, title_id: str, answer: Answer) -> None:
    same("the title", answer.json(), reference.titles[title_id])


def search(reference: Reference, query: str, page_size: int, wanted: str, answer: Answer) -> str:
    """Every hit has every word, the catalogue's titles are unchanged; returns the token of the next page."""
    page = answer.json()
    fields("the page", page, ("titles", "next_page_token"))
    places = [position(query, found) for found in page["titles"]]
    same("the order of the titles", places, sorted(set(places)))
    if len(places) > page_size or (len(places) < page_size and page["next_page_token"]):
        raise Wrong(f"a page of {page_size} has {len(places)} titles and token {page['next_page_token']!r}")
    for found in page["titles"]:
        if found["id"] in reference.titles:
            same("the title", found, reference.titles[found["id"]])
        fields("the title", found, TITLE_FIELDS)
        if not begun(query, " ".join((found["name"], *found["authors"]))):
            raise Wrong(f"{found['id']} does not have words that begin with those of {query!r}")
    if wanted and wanted not in (found["id"] for found in page["titles"]):
        raise Wrong(f"{wanted} is not among the titles found for {query!r}")
    same(
        f"the answer to {query!r}", places, reference.first.setdefault(f"search {query} {page_size}", places)
    )
    return str(page["next_page_token"])


def position(query: str, found: dict[str, Any]) -> str:
    """Where a hit stands: titles with every word in their name first, each in the order of ids."""
    return f"{0 if begun(query, found['name']) else 1}{found['id']}"


def begun(query: str, text: str) -> bool:
    """Whether each word of the query begins some word of the text."""
    return all(re.search(rf"\b{re.escape(word)}", text.lower()) for word in query.lower().split())


def next_page(query: str, last: str, answer: Answer) -> None:
    places = [position(query, found) for found in answer.json()["titles"]]
    same("the order of the titles", places, sorted(set(places)))
    if places and places[0] <= last:
        raise Wrong(f"the next page begins with {places[0]}, not behind {last}")


def rates(expected: Rates, answer: Answer) -> None:
    table = answer.json()
    fields("the rates", table, ("date", "base", "rates"))
    same("the date", table["date"], expected.date)
    same("the base", table["base"], "EUR")
    found = {currency: amount(currency, rate) for currency, rate in table["rates"].items()}
    same("the table", {**found, "EUR": Decimal(1)}, expected.rates)


def conversion(expected: Rates, value: str, source: str, target: str, answer: Answer) -> None:
    found = answer.json()
    fields("the conversion", found, ("amount", "result", "rate", "date"))
    rate = expected.cross(source, target)
    given = Decimal(value)  # not rounded, whatever the currency
    same("the date", found["date"], expected.date)
    same("the rate", amount("the rate", found["rate"]), rate.quantize(EIGHT_PLACES))
    _money("the amount", found["amount"], given, source)
    _money("the result", found["result"], at_smallest_unit(given * rate, target), target)


def _money(what: str, found: dict[str, Any], value: Decimal, currency: str) -> None:
    same(what, (amount(what, found["amount"]), found["currency"]), (value, currency))


def problem(reason: str, says: str, answer: Answer) -> None:
    """A problem (RFC 9457) of the kind and with the words that the contract gives."""
    same("the media type", answer.headers.get("content-type"), "application/problem+json")
    problem_body(reason, answer.status, says, answer.json())


def problem_body(reason: str, status: int, says: str, found: dict[str, Any]) -> None:
    fields("the problem", found, ("type", "title", "status", "detail", "errors"))
    same("the problem's type", found["type"], f"/problems/{reason}")
    same("the problem's status", found["status"], status)
    if says not in found["detail"]:
        raise Wrong(f"the problem says {found['detail']!r} and not {says!r}")
