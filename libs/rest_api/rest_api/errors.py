"""What a port may answer instead of a result. One place holds the words, so every shape says the same."""

from collections.abc import Sequence

Violations = Sequence[tuple[str, str]]  # field path, what is wrong with it


class EdgeError(Exception):
    """An answer that is not a result."""

    status = 500
    reason = "internal"
    title = "Internal error"

    def __init__(self, detail: str = "", violations: Violations = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.violations = tuple(violations)


class Invalid(EdgeError):
    """Some field of the request is wrong."""

    status, reason, title = 400, "invalid-request", "The request is not valid"

    def __init__(self, violations: Violations) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in violations), violations)


class Missing(EdgeError):
    """The resource does not exist."""

    status, reason, title = 404, "not-found", "There is no such resource"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} {name}")


class Conflict(EdgeError):
    """The idempotency key was used for another order."""

    status, reason, title = 409, "idempotency-conflict", "The idempotency key was used for another order"

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key} was used for an order with other content")


class Refused(EdgeError):
    """The request is well-formed, but a rule forbids it."""

    status, reason, title = 400, "refused", "The order is refused"


class Overloaded(EdgeError):
    """Too much work is waiting already."""

    status, reason, title = 429, "overloaded", "Too many requests"


class Unavailable(EdgeError):
    """A part of the system does not answer; the request may be repeated with the same key."""

    status, reason, title = 503, "unavailable", "A part of the system does not answer"


class TooLate(EdgeError):
    """The deadline passed."""

    status, reason, title = 504, "deadline-exceeded", "The answer took too long"


class Denied(EdgeError):
    """The mesh forbids this call."""

    status, reason, title = 403, "denied", "This is not allowed"


class NotTheWriter(Exception):
    """Never leaves the process as such: the side that was asked is not the writer of the module; the other side is."""
