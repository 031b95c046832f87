"""Bodies are JSON, say so, and name each member once."""

import json
from typing import Any

from fastapi import HTTPException, Request

from rest_api.errors import Invalid


async def json_only(request: Request) -> None:
    """Refuse another media type with 415, and a member that stands twice with 400."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "Unsupported Media Type")
    if twice := repeated_member(await request.body()):
        raise Invalid([(twice, "stands twice in one object: name each member once")])


def repeated_member(body: bytes) -> str:
    """The name of a member that an object has twice: readers differ in which of its values they take (RFC 8259, 4).

    Empty if there is none, or if the body is not JSON, which the parser behind says better.
    """
    try:
        _DECODER.decode(body.decode())
    except _RepeatedMember as error:
        return str(error)
    except (ValueError, RecursionError):
        pass
    return ""


class _RepeatedMember(Exception):
    """Its text is the member's name."""


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedMember(next(name for name in names if names.count(name) > 1))


_DECODER = json.JSONDecoder(object_pairs_hook=_refuse_repeated)
