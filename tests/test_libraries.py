"""What a library knows of the system it serves."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOMAIN = re.compile(r"figtree|customer|\\bcurrency|pricing|catalogue|x-environment|FT001", re.IGNORECASE)


@pytest.mark.parametrize("library", ["coalescing", "database", "service_kit", "tracing"])
def test_a_library_names_nothing_of_the_domain(library: str) -> None:
    files = sorted((ROOT / "libs" / library / library).rglob("*.py"))
    assert files
    named = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if DOMAIN.search(line)
    ]
    assert named == []
