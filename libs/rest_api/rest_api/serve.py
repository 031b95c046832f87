"""The life of an HTTP process: start, drain, stop."""

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from service_kit.server import stop_signal

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            log.info("serving on %s", self.config.uds or f"{self.config.host}:{self.config.port}")

    async def main_loop(self) -> None:
        """uvicorn's looks ten times a second whether to end: half of what an idle process costs."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):  # the Date header
                    await self._ending.wait()

    def end(self) -> None:
        self.should_exit = True
        self._ending.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # SIGTERM begins the drain below; uvicorn's own handler would stop at once


async def serve(app: FastAPI, listen: str, *, drain: float = 1.0, grace: float = 8.0) -> None:
    """Serve until SIGTERM: then `drain` seconds for the callers to notice, `grace` for what is under way.

    `listen` is host:port or unix:/path. A stream that is still open after `grace` is cut.
    """
    stopping = stop_signal()
    server = _Server(
        uvicorn.Config(
            app,
            **_address(listen),
            loop="uvloop",
            http="httptools",
            lifespan="on",
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=75,  # longer than a sidecar keeps an idle connection
            timeout_graceful_shutdown=int(grace),
        )
    )
    serving = asyncio.create_task(server.serve())
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not serving.done():
        log.info("draining")
        app.state.draining = True
        await asyncio.sleep(drain)
        server.end()
    await serving
    if not server.started:
        sys.exit("cannot serve")
    log.info("stopped")


def _address(listen: str) -> dict[str, Any]:
    if listen.startswith("unix:"):
        return {"uds": listen.removeprefix("unix:")}
    host, _, port = listen.rpartition(":")
    return {"host": host.strip("[]"), "port": int(port)}
