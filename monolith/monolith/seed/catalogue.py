"""The shipped books, and as many invented ones behind them as are asked for."""

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from importlib.resources import files
from operator import itemgetter
from typing import TypedDict

from monolith.title.isbn import check_digit

SEED = 1851


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


OPENINGS = _names(
    "The, A, Letters from the, Notes on the, Beyond the, Under the, History of the, Songs of the"
)
QUALITIES = _names("""
    Silent, Broken, Northern, Invisible, Golden, Forgotten, Second, Burning, Patient, Distant, Hollow,
    Crimson, Wandering, Last, Gentle, Hidden, Winter, Salt, Paper, Unfinished
""")
THINGS = _names("""
    River, Orchard, Lighthouse, Cartographer, Archive, Harbour, Garden, Machine, Observatory, Bridge,
    Clockmaker, Island, Letter, Forest, Museum, Voyage, Library, Mountain, Fig Tree, Republic
""")
FIRST = _names("""
    Ada, Björn, Chiara, Dmitri, Élise, Fatima, Gustav, Hana, Imre, Jūratė, Kofi, Lucía, Małgorzata,
    Noor, Oluwaseun, Priya, Quentin, Rosa, Søren, Tomáš
""")
LAST = _names("""
    Almeida, Brontë-Hughes, Castellanos, Dvořák, Eriksen, Fournier, Grünwald, Haddad, Ishikawa, Jansen,
    Kovács, Lindqvist, Moreau, Nakamura, O'Brien, Petrović, Rahman, Silva, Tanaka, Vásquez
""")
PUBLISHERS = _names(
    "Meadow Press, Blackthorn & Sons, Éditions du Canal, Verlag am Markt, Harbour House, Sycamore"
)
FORMATS = ("print", "print", "ebook", "audio")
COLUMNS = ("id", "isbn13", "name", "authors", "format", "publisher", "year")
_columns = itemgetter(*COLUMNS)
CURRENCIES = ("EUR", "GBP", "USD", "SEK", "JPY")


class Price(TypedDict):
    """A list price; the amount is a decimal as text."""

    amount: str
    currency: str


class Entry(TypedDict):
    """A title of the catalogue, and its list price."""

    id: str
    isbn13: str
    name: str
    authors: list[str]
    format: str
    publisher: str
    year: int
    price: Price


def entries(count: int) -> Iterator[Entry]:
    """All shipped ones and then, up to `count`, invented ones; the same ones each time."""
    shipped: list[Entry] = json.loads(files("monolith").joinpath("data", "catalogue.json").read_bytes())
    yield from shipped
    chance = random.Random(SEED)
    for number in range(len(shipped) + 1, count + 1):
        yield _invent(number, chance)


def _invent(number: int, chance: random.Random) -> Entry:
    pick = chance.choice
    digits = f"979{number:09}"
    currency = pick(CURRENCIES)
    cents = chance.randrange(499, 9_999)
    return {
        "id": f"t-{number:06}",
        "isbn13": digits + check_digit(digits),
        "name": f"{pick(OPENINGS)} {pick(QUALITIES)} {pick(THINGS)}",
        "authors": [f"{pick(FIRST)} {pick(LAST)}" for _ in range(pick((1, 1, 1, 2)))],
        "format": pick(FORMATS),
        "publisher": pick(PUBLISHERS),
        "year": chance.randrange(1950, 2026),
        "price": {
            "amount": str(cents * 2) if currency == "JPY" else f"{cents // 100}.{cents % 100:02}",
            "currency": currency,
        },
    }


def title_row(entry: Entry) -> tuple[object, ...]:
    """The columns of `titles`."""
    columns: tuple[object, ...] = _columns(entry)
    return columns


def price_row(entry: Entry) -> tuple[str, str, Decimal]:
    """The columns of `list_prices`."""
    return entry["id"], entry["price"]["currency"], Decimal(entry["price"]["amount"])
