"""Applied files are watched, so that an edit takes effect when it is saved."""

import asyncio
from pathlib import Path

from watchfiles import awatch

from demo.runtimes.local.meshconfig import MeshConfig


async def watch(config: MeshConfig) -> None:
    """Until cancelled. Folders are watched, not files, because editors replace files."""
    while True:
        folders = {path.parent for path in config.sources.values() if path.parent.is_dir()}
        if not folders:
            await asyncio.sleep(0.2)
            continue
        more = asyncio.Event()
        look = asyncio.create_task(_other_folders(config, folders, more))
        try:
            async for changes in awatch(
                *folders, recursive=False, debounce=60, step=30, rust_timeout=1000, stop_event=more
            ):
                for path in {Path(name) for _, name in changes}:
                    await config.source_changed(path)
        finally:
            look.cancel()


async def _other_folders(config: MeshConfig, watched: set[Path], more: asyncio.Event) -> None:
    while {path.parent for path in config.sources.values() if path.parent.is_dir()} <= watched:
        await asyncio.sleep(0.2)
    more.set()
