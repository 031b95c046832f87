"""What is wrong with a field, in our own words: the validator's name patterns, types and libraries."""

from collections.abc import Mapping
from typing import Any

FIXED = {
    "missing": "is required",
    "extra_forbidden": "is not known",
    "json_invalid": "must be JSON",
    "string_type": "must be a string",
    "string_unicode": "must be a string",
    "string_pattern_mismatch": "is not of the documented form",
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
    kind: str = error["type"]
    if kind in BOUNDED:
        text, bound = BOUNDED[kind]
        return text.format(error["ctx"][bound])
    if kind.startswith("int_"):
        return "must be an integer"
    if kind.startswith("date_"):
        return "must be a date, YYYY-MM-DD"
    return FIXED.get(kind, "is not valid")
