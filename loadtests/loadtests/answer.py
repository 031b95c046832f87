"""One answer, and how a check says that it is wrong."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


class Wrong(Exception):
    """The request was answered, but not with the truth."""


class Failed(Exception):
    """The request was not answered, or with a status that was not asked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


def same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Wrong(f"{what} is {found!r} and should be {expected!r}")


def fields(what: str, found: Mapping[str, Any], names: Iterable[str]) -> None:
    same(f"the fields of {what}", sorted(found), sorted(names))


def amount(what: str, found: object) -> Decimal:
    """Amounts are strings, since a JSON number may become a binary fraction."""
    if not isinstance(found, str):
        raise Wrong(f"{what} is {found!r} and should be a decimal in a string")
    return Decimal(found)
