"""The ports of the application that a request came to."""

from typing import Annotated

from fastapi import Depends, Request

from edge.models import Problem
from edge.ports import Ports
from edge.problems import PROBLEM


async def _ports(request: Request) -> Ports:
    ports: Ports = request.app.state.ports
    return ports


PortsOf = Annotated[Ports, Depends(_ports)]


def may_answer(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The problems that a route documents, for its `responses`."""
    return {
        status: {"model": Problem, "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        for status in (*statuses, 429, 503, 504)
    }
