"""What is missing, and what will be fetched."""

from typing import NamedTuple


class Problem(NamedTuple):
    what: str  # is missing
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}: {self.remedy}"


class Fetch(NamedTuple):
    what: str
    network: int  # MB
    disk: int  # MB
    seconds: int
    folder: str  # the file system that it fills


def megabytes(number: float) -> str:
    return f"{number:.0f} MB" if number < 1000 else f"{number / 1000:.1f} GB"


def minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
