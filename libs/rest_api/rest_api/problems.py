"""Errors as problem+json (RFC 9457)."""

import logging
from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from rest_api import figures
from rest_api.errors import EdgeError, Invalid, NotTheWriter, Unavailable
from rest_api.messages import words
from rest_api.models import FieldError, Problem

log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"


def problem(error: EdgeError) -> Problem:
    """The problem of RFC 9457 for an error of a port."""
    return Problem(
        type=f"/problems/{error.reason}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        errors=tuple(FieldError(field=field, message=message) for field, message in error.violations),
    )


def http_problem(status: int, title: str) -> Problem:
    """One that says no more than its status."""
    return Problem(type="about:blank", title=title, status=status, detail=title)


def respond(body: Problem, headers: dict[str, str] | None = None) -> Response:
    """A response whose body is the problem."""
    return Response(body.model_dump_json(), body.status, headers, PROBLEM)


def field_path(location: Sequence[object]) -> str:
    """("body", "lines", 0, "quantity") becomes lines[0].quantity."""
    path = ""
    for part in location[1:]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    # an unknown field's name is the caller's own text, which need not be encodable
    return (path or str(location[0])).encode(errors="replace").decode()[:100]


def answer_to(error: EdgeError | NotTheWriter) -> Response:
    """Whoever has no other side to ask leaves it to the caller to come again."""
    if isinstance(error, NotTheWriter):
        error = Unavailable("this is moving; please repeat the request")
    figures.refused(error)
    headers = {"retry-after": "1"} if error.status in (429, 503) else None
    return respond(problem(error), headers)


async def _edge_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, EdgeError | NotTheWriter)
    return answer_to(error)


async def _bad_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        return respond(problem(Invalid([("body", "must be JSON")])))
    # a list that lost its bad items is not also too short
    inner = {tuple(e["loc"][:depth]) for e in found for depth in range(len(e["loc"]))}
    return respond(
        problem(Invalid([(field_path(e["loc"]), words(e)) for e in found if tuple(e["loc"]) not in inner]))
    )


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # the only one that Starlette raises: a body that cannot be read
        return respond(problem(Invalid([("body", "must be JSON")])))
    return respond(http_problem(error.status_code, str(error.detail)), dict(error.headers or {}))


async def _answer_unexpected(request: Request, error: Exception) -> Response:
    log.error("unhandled error in %s %s", request.method, request.url.path, exc_info=error)
    return respond(http_problem(500, "Internal error"))


def install(app: FastAPI) -> None:
    """Make the application answer every error with a problem."""
    app.add_exception_handler(EdgeError, _edge_error)
    app.add_exception_handler(NotTheWriter, _edge_error)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _answer_unexpected)
