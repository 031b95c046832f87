"""Where things that cost time or network are kept between runs."""

import os
from pathlib import Path


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "figtree"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
