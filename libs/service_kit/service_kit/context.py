"""What a call brings along and hands on: its deadline and a few headers."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

STANDARD = frozenset(
    {"traceparent", "tracestate", "baggage", "x-request-id"}
)  # W3C trace context, Istio's request id
# Bytes of a header that are handed on, W3C Baggage's own limit: a proxy adds headers of its own, and one that was just
# small enough at the edge would be refused by an inner hop. Longer ones end here, except the verified user's name.
MAX_HEADER = 8192


@dataclass(frozen=True)
class Conventions:
    """What the processes of one system agree on; each passes it to its server and to its log."""

    user_header: str = ""  # bears the verified user of a call
    routed_by: tuple[str, ...] = ()  # headers by which the mesh sends calls to different versions
    error_domain: str = ""  # of google.rpc.ErrorInfo
    subject: str = "subject"  # the log's name for whom a call concerns

    @cached_property
    def handed_on(self) -> frozenset[str]:
        """Headers of an inbound call that go with its outbound calls."""
        return STANDARD.union(self.routed_by, filter(None, [self.user_header]))

    def propagated(self, headers: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        """Those of the headers that are handed on."""
        return {
            name: value
            for name, value in headers
            if name in self.handed_on and (len(value) <= MAX_HEADER or name == self.user_header)
        }


@dataclass(frozen=True, slots=True)
class CallContext:
    """The inbound call that the current task works for."""

    deadline: float | None = None  # on time.monotonic()
    headers: Mapping[str, str] = field(default_factory=dict)


_current: ContextVar[CallContext] = ContextVar("call_context", default=CallContext())  # noqa: B039

_subject: ContextVar[str] = ContextVar("subject", default="")


def enter(headers: Mapping[str, Any], seconds: float | None) -> None:
    """Begin an inbound call that hands on these headers and has `seconds` left, or no deadline if None."""
    deadline = None if seconds is None else time.monotonic() + seconds
    _current.set(CallContext(deadline, headers))


@contextmanager
def on_behalf_of(headers: Mapping[str, Any]) -> Iterator[None]:
    """What is logged inside belongs to the call whose headers these are, though it may have ended long ago."""
    token = _current.set(CallContext(None, headers))
    try:
        yield
    finally:
        _current.reset(token)


def current() -> CallContext:
    """The call that the current task works for."""
    return _current.get()


def header(name: str) -> str:
    """A header of the call under way, one of those that are handed on; empty where it has none."""
    return _current.get().headers.get(name, "")


def concerns(subject: str) -> None:
    """From here on it is known whom the call under way concerns, for its lines in the log."""
    _subject.set(subject)


def call_and_subject(user_header: str) -> tuple[Mapping[str, str], str]:
    """The headers of the call under way, and whom it concerns: its verified user, unless it was said otherwise."""
    headers = _current.get().headers
    return headers, _subject.get() or headers.get(user_header, "")


def time_left(limit: float) -> float:
    """Seconds that an outbound call may take: its own limit, or what the caller has left if that is less."""
    deadline = _current.get().deadline
    return limit if deadline is None else max(0.0, min(limit, deadline - time.monotonic()))
