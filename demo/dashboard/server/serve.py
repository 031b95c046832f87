"""The page in a process of its own, for runtimes that have no supervisor."""

import asyncio
import contextlib
import secrets
import signal
import socket
from collections.abc import Callable

from runtime.api import Runtime
from runtime.serving import serving

from dashboard.server.app import Page

FIRST, LAST = 7070, 8069


async def serve(runtime: Runtime, tell: Callable[[str], None]) -> None:
    """Until a signal ends it."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    listener = _listener()
    key = secrets.token_urlsafe(32)
    page = Page(runtime, {}, key)
    async with serving(page.application, listener):
        tell(f"http://127.0.0.1:{listener.getsockname()[1]}/?key={key}")
        await ended.wait()
        await page.close()


def _listener() -> socket.socket:
    for port in range(FIRST, LAST + 1):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            listener.listen(64)
            return listener
        listener.close()
    raise OSError(f"no free port from {FIRST} to {LAST} on 127.0.0.1")
