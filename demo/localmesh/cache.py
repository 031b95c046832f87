"""Where things that cost time or network are kept between runs."""

import os
from pathlib import Path

from machine import folders
from runtime.api import RuntimeFailure


def cache_folder() -> Path:
    """The folder, made where it is missing. Raises RuntimeFailure where there is no home and no XDG_CACHE_HOME."""
    place = folders.cache()
    if place is None:
        raise RuntimeFailure(
            f"the user {os.getuid()} has no home directory: set HOME or XDG_CACHE_HOME to a folder for 1.5 GB of tools"
        )
    folder = Path(place)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
