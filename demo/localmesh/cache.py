"""Where things that cost time or network are kept between runs."""

import os
from pathlib import Path

from runtime.api import RuntimeFailure


def cache_folder() -> Path:
    """The folder, made where it is missing. Raises RuntimeFailure where there is no home and no XDG_CACHE_HOME."""
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        raise RuntimeFailure(
            f"the user {os.getuid()} has no home directory: set HOME or XDG_CACHE_HOME to a folder for 1.5 GB of tools"
        ) from None
    folder = base / "figtree"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
