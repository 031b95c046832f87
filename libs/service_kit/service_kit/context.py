"""What a call brings along and hands on: its deadline and a few headers."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

# The mesh may send calls that differ in these headers to different versions.
ROUTED_BY = ("x-environment", "x-figtree-user")
# W3C trace context, Istio's request id, and the headers that the mesh routes by.
PROPAGATED = {"traceparent", "tracestate", "baggage", "x-request-id", *ROUTED_BY}
# Bytes of a header that are handed on, W3C Baggage's own limit: a proxy adds headers of its own, and one that was just
# small enough at the edge would be refused by an inner hop. Longer ones end here, except the verified user's name.
MAX_HEADER = 8192


@dataclass(frozen=True, slots=True)
class CallContext:
    """The inbound call that the current task works for."""

    deadline: float | None = None  # on time.monotonic()
    headers: Mapping[str, str] = field(default_factory=dict)


_current: ContextVar[CallContext] = ContextVar("call_context", default=CallContext())  # noqa: B039

_customer: ContextVar[str] = ContextVar("customer", default="")


def enter(headers: Iterable[tuple[str, Any]], seconds: float | None) -> None:
    """Begin an inbound call that has `seconds` left, or no deadline if None."""
    deadline = None if seconds is None else time.monotonic() + seconds
    _current.set(CallContext(deadline, _propagated(headers)))


@contextmanager
def on_behalf_of(headers: Mapping[str, Any]) -> Iterator[None]:
    """What is logged inside belongs to the call whose headers these are, though it may have ended long ago."""
    token = _current.set(CallContext(None, _propagated(headers.items())))
    try:
        yield
    finally:
        _current.reset(token)


def _propagated(headers: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {
        name: value
        for name, value in headers
        if name in PROPAGATED and (len(value) <= MAX_HEADER or name == "x-figtree-user")
    }


def current() -> CallContext:
    return _current.get()


def concerns(customer_id: str) -> None:
    """From here on the call under way is known to be this customer's."""
    _customer.set(customer_id)


def call_and_customer() -> tuple[Mapping[str, str], str]:
    headers = _current.get().headers
    return headers, _customer.get() or headers.get("x-figtree-user", "")


def time_left(limit: float) -> float:
    """Seconds that an outbound call may take: its own limit, or what the caller has left if that is less."""
    deadline = _current.get().deadline
    return limit if deadline is None else max(0.0, min(limit, deadline - time.monotonic()))
