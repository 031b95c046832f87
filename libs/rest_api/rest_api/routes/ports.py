"""The ports of the application that a request came to."""

from typing import Annotated

from fastapi import Depends, Request, Response

from rest_api.models import DEGRADED, Degraded
from rest_api.ports import Ports
from rest_api.problems import PROBLEM

MEANING = {
    400: "The request is not valid, or a rule forbids it",
    403: "The mesh forbids this call",
    404: "There is no such resource",
    409: "The idempotency key was used for another order",
    413: "The body is too large",
    415: "The body is not application/json",
    429: "Too much work is waiting; repeat after the seconds in Retry-After",
    503: "A part of the system does not answer; repeat after the seconds in Retry-After",
    504: "The answer took too long",
}
DEGRADED_HEADER = {
    DEGRADED: {
        "description": "Only while the catalogue does not answer: when it did last, and the banking day of the rates, "
        "as a Dictionary of RFC 9651",
        "schema": {"type": "string"},
        "example": 'titles-as-of="2026-11-20T12:00:00.000000Z", rate-date="2026-11-20"',
    }
}
EVERYWHERE = (400, 403, 429, 503, 504)


async def _ports(request: Request) -> Ports:
    ports: Ports = request.app.state.ports
    return ports


PortsOf = Annotated[Ports, Depends(_ports)]


def may_answer(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The problems that a route documents, for its `responses`."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": MEANING[status], "content": {PROBLEM: {"schema": schema}}}
        for status in sorted({*statuses, *EVERYWHERE})
    }


def tell(response: Response, degraded: Degraded | None) -> None:
    """Say in the header of DEGRADED_HEADER that the catalogue did not answer, if it did not."""
    if degraded:
        response.headers[DEGRADED] = degraded.header()
