"""What a title query asks for, as PostgreSQL compares it with `search_vector` of the title migrations.

That function gives each title one text search vector: each word of the name behind `n`, each word of an author behind
`a`, and the ISBN-13 behind `i`.
"""

import re
from dataclasses import dataclass

from common import words

MOST_WORDS = 8
LONGEST_WORD = 200  # as in `search_vector`: PostgreSQL refuses a word of 2 KiB

_ISBN = re.compile(r"(?:isbn(?:1[03])?)?(?:(97[89]\d{10})|(\d{9})([\dx]))")


@dataclass(frozen=True, slots=True)
class Terms:
    """The words of a query, and the ISBN-13 that it may be as a whole. Without words nothing is found."""

    words: tuple[str, ...]
    isbn13: str = ""

    @property
    def in_name(self) -> str:
        """The text search query for titles with every word in their name, or with this ISBN."""
        named = " & ".join(f"n{word}:*" for word in self.words)
        return f"{named} | i{self.isbn13}" if self.isbn13 else named

    @property
    def elsewhere(self) -> str:
        """The text search query for the other titles, in which each word begins a word of the name or of an author."""
        anywhere = " & ".join(f"(n{word}:* | a{word}:*)" for word in self.words)
        return f"{anywhere} & !({self.in_name})"


def terms(query: str) -> Terms:
    """The first eight words of the query, folded as the stored names are; `isbn13` is empty unless all is one ISBN."""
    found = words.words(query)
    return Terms(tuple(word[:LONGEST_WORD] for word in found[:MOST_WORDS]), _isbn13("".join(found)))


def check_digit(first_twelve: str) -> str:
    """The last digit of the ISBN-13 that begins with these twelve."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(first_twelve))
    return str(-total % 10)


def _isbn13(text: str) -> str:
    found = _ISBN.fullmatch(text)
    if not found:
        return ""
    isbn13, nine, check = found.groups()
    if isbn13:
        return str(isbn13)
    total = sum(int(digit) * weight for weight, digit in enumerate(nine, 1)) % 11
    return f"978{nine}{check_digit(f'978{nine}')}" if check == "0123456789x"[total] else ""
