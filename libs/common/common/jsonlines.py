"""JSON lines as the back office sends them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from common.errors import InvalidRequest

T = TypeVar("T")


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


def batches(items: Iterator[T], size: int) -> Iterator[Sequence[T]]:
    """Lists of at most `size` items, in their order."""
    while batch := list(islice(items, size)):
        yield batch
