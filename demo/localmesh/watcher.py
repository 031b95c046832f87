"""Applied files are watched, so that an edit takes effect when it is saved."""

import asyncio
from pathlib import Path

from watchfiles import awatch

from localmesh.mesh_config import MeshConfig

LOOK_AGAIN = 400  # milliseconds; for what was saved while the watch was being set up


async def watch(config: MeshConfig) -> None:
    """Until cancelled."""
    while True:
        watched = _folders(config)
        if not watched:
            await asyncio.sleep(LOOK_AGAIN / 1000)
            continue
        await _watch(config, watched)


def _folders(config: MeshConfig) -> set[Path]:
    """Not the files themselves, because editors replace files."""
    return {path.parent for path in config.sources.values() if path.parent.is_dir()}


async def _watch(config: MeshConfig, folders: set[Path]) -> None:
    """Until there are other folders to watch."""
    changes = awatch(
        *folders, recursive=False, debounce=100, step=100, rust_timeout=LOOK_AGAIN, yield_on_timeout=True
    )
    async for _ in changes:
        await config.take_over_edits()
        if _folders(config) != folders:
            return
