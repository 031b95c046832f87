"""What is wrong with a field, in our own words: the validator's name patterns, types and libraries."""

from collections.abc import Mapping
from typing import Any

from rest_api.models import FORMS

FIXED = {
    "missing": "is required",
    "extra_forbidden": "is not a member of this object: remove it",
    "json_invalid": "must be JSON",
    "string_type": "must be a string",
    "string_unicode": "must be a string",
    "tuple_type": "must be a list",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
}
BOUNDED = {
    "greater_than_equal": ("must be at least {}", "ge"),
    "less_than_equal": ("must be at most {}", "le"),
    "string_too_short": ("must not be empty", "min_length"),  # every minimum of the contract is 1
    "string_too_long": ("must have at most {} characters", "max_length"),
    "too_short": ("must not be empty", "min_length"),
    "too_long": ("must have at most {} items", "max_length"),
}


def words(error: Mapping[str, Any]) -> str:
    """What is allowed where the validator found this error."""
    kind: str = error["type"]
    if kind in BOUNDED:
        text, bound = BOUNDED[kind]
        return text.format(error["ctx"][bound])
    if kind == "string_pattern_mismatch":
        return FORMS[error["ctx"]["pattern"]]
    if kind.startswith("int_"):
        return "must be an integer"
    if kind.startswith("date_"):
        return "must be a date, YYYY-MM-DD"
    return FIXED.get(kind, "must have the form that /openapi.json documents")
