"""The shipped catalogue is well-formed, so that a seeded database is."""

import json
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

CATALOGUE = Path(__file__).parents[1] / "monolith/data/catalogue.json"
# fmt: off
CURRENCIES = frozenset({
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR",
    "ILS", "INR", "ISK", "JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RON",
    "SEK", "SGD", "THB", "TRY", "USD", "ZAR",
})
# fmt: on
WITHOUT_DECIMALS = frozenset({"ISK", "JPY", "KRW"})


@pytest.fixture(scope="module")
def titles() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(CATALOGUE.read_text("utf-8"))
    return loaded


def test_there_are_at_least_300_titles(titles: list[dict[str, Any]]) -> None:
    assert len(titles) >= 300


def test_every_line_holds_one_title(titles: list[dict[str, Any]]) -> None:
    lines = CATALOGUE.read_text("utf-8").splitlines()
    assert [json.loads(line.rstrip(",")) for line in lines[1:-1]] == titles


def test_ids_run_from_one(titles: list[dict[str, Any]]) -> None:
    assert [t["id"] for t in titles] == [f"t-{n:06d}" for n in range(1, len(titles) + 1)]


def test_isbns_have_valid_check_digits(titles: list[dict[str, Any]]) -> None:
    for title in titles:
        digits = [int(digit) for digit in title["isbn13"]]
        assert len(digits) == 13
        assert sum(digits[::2] + [3 * digit for digit in digits[1::2]]) % 10 == 0, title


def test_isbns_and_works_are_unique(titles: list[dict[str, Any]]) -> None:
    assert len({t["isbn13"] for t in titles}) == len(titles)
    assert len({(t["name"], *t["authors"]) for t in titles}) == len(titles)


def test_every_title_has_a_name_a_publisher_and_authors(titles: list[dict[str, Any]]) -> None:
    for title in titles:
        texts = [title["name"], title["publisher"], *title["authors"]]
        assert title["authors"]
        assert all(text and text == unicodedata.normalize("NFC", text.strip()) for text in texts), title


def test_years_are_those_of_printed_books(titles: list[dict[str, Any]]) -> None:
    assert all(1455 <= t["year"] <= 2026 for t in titles)


def test_all_formats_occur(titles: list[dict[str, Any]]) -> None:
    assert {t["format"] for t in titles} == {"print", "ebook", "audio"}


def test_prices_are_positive_and_at_the_smallest_unit(titles: list[dict[str, Any]]) -> None:
    for title in titles:
        amount, currency = Decimal(title["price"]["amount"]), title["price"]["currency"]
        assert amount > 0
        assert currency in CURRENCIES
        decimals = 0 if currency in WITHOUT_DECIMALS else 2
        assert amount.as_tuple().exponent == -decimals, title
