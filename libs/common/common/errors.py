"""Errors of a request that several services share."""

from collections.abc import Sequence


class InvalidRequest(Exception):
    """A field of the request is not valid.

    `violations` holds pairs of the field's path, as in `lines[2].quantity`, and what is wrong with it.
    """

    def __init__(self, violations: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {description}" for field, description in violations))
        self.violations = tuple(violations)

    def inside(self, field: str) -> "InvalidRequest":
        """The same error with `field.` before each path."""
        return InvalidRequest([(f"{field}.{name}", message) for name, message in self.violations])
