import json
from pathlib import Path


class Lines:
    """A file of JSON lines, each of which reaches the file at once; without a path nothing is written."""

    def __init__(self, path: Path | None) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1) if path else None

    def write(self, entry: object) -> None:
        """Append one line."""
        if self._file:
            self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file:
            self._file.close()
