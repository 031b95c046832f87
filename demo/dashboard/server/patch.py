"""What is shown is a flat map; what is sent of it is what has changed."""

from collections.abc import Mapping
from typing import Any

Shown = Mapping[str, Any]


def patch(before: Shown, now: Shown) -> dict[str, Any]:
    """Empty if nothing has changed; `gone` names the keys that are no longer there."""
    changed = {key: value for key, value in now.items() if key not in before or before[key] != value}
    gone = [key for key in before if key not in now]
    return ({"set": changed} if changed else {}) | ({"gone": gone} if gone else {})


def rounded(number: float, digits: int = 3) -> float:
    """To so many significant digits: what nobody can see is no change."""
    return float(f"{number:.{digits}g}")
