"""`python -m monolith.seams.count`: how many lines strangling added to the monolith, as a table in Markdown."""

import sys
from collections.abc import Iterator
from importlib.resources import files

MODULES = ("title", "currency", "pricing", "order")
SHARED = "all modules"
EACH = {module: (f"rest_api/remote/{module}.py", f"monolith/seams/{module}.py") for module in MODULES}
PARTS: dict[str, dict[str, tuple[str, ...]]] = {
    "adapter": {**EACH, SHARED: ("rest_api/remote/__init__.py", "rest_api/remote/errors.py")},
    "placement": {SHARED: ("monolith/seams/placement.py",)},
    "fence": {SHARED: ("monolith/seams/fence.py",)},
    "mirror": {SHARED: ("rest_api/digest.py",)},
    "migration": {
        SHARED: (
            "monolith/seams/migrations/__init__.py",
            "monolith/seams/migrations/env.py",
            "monolith/seams/migrations/versions/0001_placement.py",
            "monolith/seams/migrations/versions/0002_placement_tells.py",
        )
    },
    "wiring": {
        SHARED: ("monolith/seams/__init__.py", "monolith/seams/settings.py", "monolith/seams/wiring.py")
    },
}
ITSELF = "monolith/seams/count.py"


def lines_of(file: str) -> int:
    """All lines of a file, named by its package and its path in it."""
    package, _, path = file.partition("/")
    return len(files(package).joinpath(path).read_text().splitlines())


def counted() -> list[str]:
    """Every file that the table counts."""
    return [file for part in PARTS.values() for group in part.values() for file in group]


def table() -> str:
    """One row per part, one column per module."""
    columns = (*MODULES, SHARED)
    lines = {
        part: [sum(map(lines_of, groups.get(column, ()))) for column in columns]
        for part, groups in PARTS.items()
    }
    totals = [sum(column) for column in zip(*lines.values(), strict=True)]

    def rows() -> Iterator[str]:
        yield f"| part | {' | '.join(columns)} | lines | files |"
        yield "| --- |" + " ---: |" * (len(columns) + 1) + " --- |"
        for part, groups in PARTS.items():
            names = ", ".join(f"`{name}`" for name in _shorten(groups))
            yield _row(part, lines[part], names)
        yield _row("**sum**", totals, f"{len(counted())} files")

    return "\n".join(rows()) + "\n"


def _shorten(groups: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """The files of a part; those that every module has are named once."""
    for file in dict.fromkeys(name for group in groups.values() for name in group):
        stem = file.rpartition("/")[2].removesuffix(".py")
        if stem == MODULES[0]:
            yield file.replace(f"{stem}.py", "{" + ",".join(MODULES) + "}.py")
        elif stem not in MODULES:
            yield file


def _row(part: str, lines: list[int], names: str) -> str:
    return f"| {part} | {' | '.join(str(n) if n else '–' for n in lines)} | {sum(lines)} | {names} |"


if __name__ == "__main__":
    sys.stdout.write(table())
