"""JSON lines as the back office sends them."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from common.errors import InvalidRequest

T = TypeVar("T")
Checks = Mapping[str, tuple[Callable[[object], bool], str]]  # by field: the check, and what the field must be


class InvalidLine(Exception):
    """One line cannot be imported."""


def read(
    lines: Iterable[bytes], parse: Callable[[Mapping[str, Any]], T], *, exact: bool = False
) -> Iterator[T]:
    """Parse the object in each line; skip empty lines. With `exact`, numbers are the text as it was written.

    Raises InvalidLine, which names the first line that is not valid.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line, parse_float=str, parse_int=str) if exact else json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidLine(f"line {number}: is not JSON: {error}") from None
        if not isinstance(fields, dict):
            raise InvalidLine(f"line {number}: must be an object")
        try:
            parsed = parse(fields)
        except InvalidRequest as error:
            raise InvalidLine(f"line {number}: {error}") from None
        yield parsed


def check(kind: str, fields: Mapping[str, object], checks: Checks) -> None:
    """Raise InvalidRequest with all that is wrong with an object of this kind: each field once, and no other."""
    wrong = [(name, f"is not a field of a {kind}") for name in fields if name not in checks]
    for name, (is_valid, message) in checks.items():
        if name not in fields:
            wrong.append((name, "is missing"))
        elif not is_valid(fields[name]):
            wrong.append((name, message))
    if wrong:
        raise InvalidRequest(wrong)


def is_text(value: object) -> bool:
    """A text of 1 to 500 characters that PostgreSQL can store: no NUL, no half of a surrogate pair."""
    return isinstance(value, str) and 0 < len(value) <= 500 and not re.search(r"[\x00\ud800-\udfff]", value)


def batches(items: Iterator[T], size: int) -> Iterator[Sequence[T]]:
    """Lists of at most `size` items, in their order."""
    while batch := list(islice(items, size)):
        yield batch
