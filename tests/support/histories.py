"""The checker of histories, compiled once."""

from pathlib import Path

from loadtests.history import CHECKER, Judged, judge
from manifests.tools import compiled


def check_history(history: Path) -> Judged:
    """Whether the calls of every order are linearizable."""
    return judge(history, [str(compiled("histories", CHECKER))])
