"""What a title is, and what may be asked of the catalogue."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from common.errors import InvalidRequest as InvalidRequest
from common.jsonlines import Checks, check, is_text
from common.search import check_digit

FORMATS = ("print", "ebook", "audio")


@dataclass(frozen=True, slots=True)
class Title:
    """A title of the catalogue; the ISBN has 13 digits."""

    id: str
    isbn13: str
    name: str
    authors: tuple[str, ...]
    format: Literal["print", "ebook", "audio"]
    publisher: str
    year: int


class UnknownTitle(Exception):
    """There is no title of that id."""

    def __init__(self, title_id: str) -> None:
        super().__init__(f"there is no title {title_id}")
        self.resource = ("title", title_id)


class NotTheWriter(Exception):
    """The database is fenced: the other side writes this module's tables."""

    def __init__(self) -> None:
        super().__init__("titles are written on the other side")


class StorageUnavailable(Exception):
    """The database does not answer."""

    def __init__(self) -> None:
        super().__init__("the database does not answer")


def is_id(value: object) -> bool:
    """Whether the value is 1 to 32 printable ASCII characters."""
    return isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]{1,32}", value) is not None


def is_isbn13(value: object) -> bool:
    """Whether the value is 13 digits with a valid check digit."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{13}", value):
        return False
    return value[12] == check_digit(value[:12])


CHECKS: Checks = {
    "id": (is_id, "must be 1 to 32 printable ASCII characters without spaces"),
    "isbn13": (is_isbn13, "must be 13 digits with a valid check digit"),
    "name": (is_text, "must be a text of 1 to 500 characters"),
    "authors": (lambda v: isinstance(v, list) and all(map(is_text, v)), "must be a list of names"),
    "format": (lambda v: v in FORMATS, f"must be one of {', '.join(FORMATS)}"),
    "publisher": (is_text, "must be a text of 1 to 500 characters"),
    "year": (lambda v: type(v) is int and -9999 <= v <= 9999, "must be a whole number"),
}


def title_from(fields: Mapping[str, Any]) -> Title:
    """The title that an imported object describes. Raises InvalidRequest with all that is wrong with it."""
    check("title", fields, CHECKS)
    return Title(**{**fields, "authors": tuple(fields["authors"])})
